#include "onnx/read.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/file.hpp"
#include "onnx/fields.hpp"
#include "onnx/protozero.hpp"
#include "onnx/read_tensor.hpp"
#include "onnx/types.hpp"

namespace calotype::onnx {
namespace {

using graph::Graph;
using graph::Node;
using graph::ValueId;
using protozero::pbf_reader;

constexpr size_t kMostNodes = 1'000'000;
constexpr int kDeepestSubgraph = 32;  // a hostile file must not exhaust the stack

[[noreturn]] void broken(std::string subject, std::string fact, std::string hint = "export the model again") {
    throw Error({"ONNX_INVALID", std::move(subject), std::move(fact), std::move(hint)});
}

/// Names read but not made inside a GraphProto, inner subgraphs included.
void collect_captured(pbf_reader message, std::set<std::string>& captured, std::set<std::string>& operators,
                      int depth) {
    if (depth > kDeepestSubgraph)
        broken("a subgraph", fmt::format("it lies more than {} graphs deep", kDeepestSubgraph));
    std::set<std::string> made, read;
    while (message.next()) {
        if (message.tag() == field::graph::node) {
            pbf_reader node = message.get_message();
            while (node.next()) {
                if (node.tag() == field::node::input)
                    read.insert(node.get_string());
                else if (node.tag() == field::node::output)
                    made.insert(node.get_string());
                else if (node.tag() == field::node::op_type)
                    operators.insert(node.get_string());
                else if (node.tag() == field::node::attribute) {
                    pbf_reader attribute = node.get_message();
                    while (attribute.next()) {
                        if (attribute.tag() == field::attribute::g)
                            collect_captured(attribute.get_message(), read, operators, depth + 1);
                        else
                            attribute.skip();
                    }
                } else
                    node.skip();
            }
        } else if (message.tag() == field::graph::initializer || message.tag() == field::graph::input) {
            const bool is_tensor = message.tag() == field::graph::initializer;
            pbf_reader named = message.get_message();
            const uint32_t name = is_tensor ? uint32_t{field::tensor::name} : uint32_t{field::value_info::name};
            while (named.next()) {
                if (named.tag() == name)
                    made.insert(named.get_string());
                else
                    named.skip();
            }
        } else if (message.tag() == field::graph::output) {
            pbf_reader named = message.get_message();
            while (named.next()) {
                if (named.tag() == field::value_info::name)
                    read.insert(named.get_string());
                else
                    named.skip();
            }
        } else {
            message.skip();
        }
    }
    std::set_difference(read.begin(), read.end(), made.begin(), made.end(), std::inserter(captured, captured.end()));
    captured.erase("");
}

struct ParsedNode {
    Node node;
    std::vector<std::string> inputs, outputs;
};

struct Parser {
    std::filesystem::path folder;
    std::string file;
    Graph graph;
    std::vector<ParsedNode> nodes;
    std::vector<NamedTensor> initializers;
    struct Info {
        std::string name;
        std::optional<DataType> type;
        std::optional<Dims> dims;
        std::vector<std::string> symbols;
    };
    std::vector<Info> inputs, outputs, infos;
    bool has_graph = false, has_opset = false;

    void model(pbf_reader message) {
        while (message.next()) {
            switch (message.tag()) {
                case field::model::graph:
                    has_graph = true;
                    read_graph(message.get_message());
                    break;
                case field::model::opset_import:
                    opset(message.get_message());
                    break;
                case field::model::functions: {
                    protozero::pbf_writer writer(graph.local_functions);
                    writer.add_message(field::model::functions, message.get_view());
                    break;
                }
                default:
                    message.skip();
            }
        }
    }

    void opset(pbf_reader message) {
        std::string domain;
        int64_t version = 0;
        while (message.next()) {
            if (message.tag() == field::opset::domain)
                domain = message.get_string();
            else if (message.tag() == field::opset::version)
                version = message.get_int64();
            else
                message.skip();
        }
        const bool own = domain.empty() || domain == "ai.onnx";
        if (own && has_opset) broken(file, "it imports the domain ai.onnx twice");
        if (own)
            graph.opset = version, has_opset = true;
        else if (!graph.other_opsets.emplace(domain, version).second)
            broken(file, fmt::format("it imports the domain `{}` twice", domain));
    }

    void read_graph(pbf_reader message) {
        while (message.next()) {
            switch (message.tag()) {
                case field::graph::name:
                    graph.name = message.get_string();
                    break;
                case field::graph::node:
                    nodes.push_back(node(message.get_message()));
                    if (nodes.size() > kMostNodes) broken(file, fmt::format("it has more than {} nodes", kMostNodes));
                    break;
                case field::graph::initializer:
                    initializers.push_back(read_tensor(message.get_message(), folder));
                    break;
                case field::graph::sparse_initializer:
                    broken(file, "it has a sparse initializer, which is not supported");
                    break;
                case field::graph::input:
                    inputs.push_back(info(message.get_message()));
                    break;
                case field::graph::output:
                    outputs.push_back(info(message.get_message()));
                    break;
                case field::graph::value_info:
                    infos.push_back(info(message.get_message()));
                    break;
                default:
                    message.skip();
            }
        }
    }

    ParsedNode node(pbf_reader message) {
        ParsedNode parsed;
        std::vector<pbf_reader> attributes;
        while (message.next()) {
            switch (message.tag()) {
                case field::node::input:
                    parsed.inputs.push_back(message.get_string());
                    break;
                case field::node::output:
                    parsed.outputs.push_back(message.get_string());
                    break;
                case field::node::name:
                    parsed.node.name = message.get_string();
                    break;
                case field::node::op_type:
                    parsed.node.op = message.get_string();
                    break;
                case field::node::domain:
                    parsed.node.domain = message.get_string();
                    break;
                case field::node::attribute:
                    attributes.push_back(message.get_message());
                    break;
                default:
                    message.skip();
            }
        }
        if (parsed.node.domain == "ai.onnx") parsed.node.domain.clear();
        if (parsed.node.op.empty()) broken(fmt::format("node `{}`", parsed.node.name), "it names no operator");
        for (pbf_reader& attribute : attributes) add_attribute(parsed.node, attribute);
        return parsed;
    }

    void add_attribute(Node& node, pbf_reader message) const {
        std::string name;
        int32_t type = 0;
        float f = 0;
        int64_t i = 0;
        std::string s;
        std::optional<Tensor> t;
        std::optional<graph::OpaqueGraph> g;
        std::vector<float> floats;
        std::vector<int64_t> ints;
        std::vector<std::string> strings;
        const std::string subject = fmt::format("node `{}` ({})", node.name, node.op);
        const auto packed = [&] { return message.wire_type() == protozero::pbf_wire_type::length_delimited; };
        while (message.next()) {
            switch (message.tag()) {
                case field::attribute::name:
                    name = message.get_string();
                    break;
                case field::attribute::type:
                    type = message.get_enum();
                    break;
                case field::attribute::f:
                    f = message.get_float(), type = type ? type : 1;
                    break;
                case field::attribute::i:
                    i = message.get_int64(), type = type ? type : 2;
                    break;
                case field::attribute::s:
                    s = message.get_string(), type = type ? type : 3;
                    break;
                case field::attribute::t:
                    t = read_tensor(message.get_message(), folder).tensor, type = type ? type : 4;
                    break;
                case field::attribute::g: {
                    const auto view = message.get_view();
                    std::set<std::string> captured, operators;
                    collect_captured(pbf_reader(view), captured, operators, 0);
                    g = graph::OpaqueGraph{std::string(view.data(), view.size()),
                                           {captured.begin(), captured.end()},
                                           {operators.begin(), operators.end()}};
                    type = type ? type : 5;
                    break;
                }
                case field::attribute::floats:
                    if (packed())
                        for (const float one : message.get_packed_float()) floats.push_back(one);
                    else
                        floats.push_back(message.get_float());
                    break;
                case field::attribute::ints:
                    if (packed())
                        for (const int64_t one : message.get_packed_int64()) ints.push_back(one);
                    else
                        ints.push_back(message.get_int64());
                    break;
                case field::attribute::strings:
                    strings.push_back(message.get_string());
                    break;
                case field::attribute::ref_attr_name:
                case field::attribute::tensors:
                case field::attribute::graphs:
                case field::attribute::sparse_tensor:
                    broken(subject, fmt::format("attribute `{}` is of a kind that is not supported", name));
                    break;
                default:
                    message.skip();
            }
        }
        if (type == 0) type = !floats.empty() ? 6 : !ints.empty() ? 7 : !strings.empty() ? 8 : 0;
        graph::Attribute value;
        switch (type) {
            case 1:
                value = f;
                break;
            case 2:
                value = i;
                break;
            case 3:
                value = s;
                break;
            case 4:
                if (!t) broken(subject, fmt::format("attribute `{}` has no tensor", name));
                value = *t;
                break;
            case 5:
                if (!g) broken(subject, fmt::format("attribute `{}` has no graph", name));
                value = *g;
                break;
            case 6:
                value = floats;
                break;
            case 7:
                value = ints;
                break;
            case 8:
                value = strings;
                break;
            default:
                broken(subject, fmt::format("attribute `{}` is of type {}, which is not supported", name, type));
        }
        if (!node.attributes.emplace(name, std::move(value)).second)
            broken(subject, fmt::format("attribute `{}` is given twice", name));
    }

    Info info(pbf_reader message) const {
        Info out;
        std::optional<pbf_reader> type;
        while (message.next()) {
            if (message.tag() == field::value_info::name)
                out.name = message.get_string();
            else if (message.tag() == field::value_info::type)
                type = message.get_message();
            else
                message.skip();
        }
        while (type && type->next()) {
            if (type->tag() == field::type::tensor)
                tensor_type(type->get_message(), out);
            else
                type->skip();
        }
        return out;
    }

    void tensor_type(pbf_reader message, Info& out) const {
        while (message.next()) {
            if (message.tag() == field::tensor_type::elem_type) {
                out.type = from_onnx(message.get_int32());
            } else if (message.tag() == field::tensor_type::shape) {
                out.dims.emplace();
                pbf_reader shape = message.get_message();
                while (shape.next()) {
                    if (shape.tag() == field::shape::dim)
                        add_dim(shape.get_message(), out);
                    else
                        shape.skip();
                }
            } else {
                message.skip();
            }
        }
    }

    static void add_dim(pbf_reader message, Info& out) {
        int64_t size = -1;
        std::string symbol;
        while (message.next()) {
            if (message.tag() == field::dim::value) {
                size = message.get_int64();
                if (size < 0 || size > (int64_t{1} << 40)) {
                    broken(fmt::format("value `{}`", out.name), fmt::format("a dim of its shape is {}", size));
                }
            } else if (message.tag() == field::dim::param) {
                symbol = message.get_string();
            } else {
                message.skip();
            }
        }
        out.dims->push_back(size);
        out.symbols.push_back(symbol);
    }

    /// Names become ids.
    void link() {
        if (!has_graph) broken(file, "it holds no graph", "check that this is an ONNX file");
        if (!has_opset) broken(file, "it states no opset");
        if (outputs.empty()) broken(file, "its graph has no outputs");
        for (NamedTensor& one : initializers) {
            if (one.name.empty() || graph.find_value(one.name))
                broken(fmt::format("tensor `{}`", one.name), "its name is missing or given twice");
            graph.add_constant(one.name, std::move(one.tensor));
        }
        for (const Info& one : inputs) {
            const auto known = graph.find_value(one.name);
            if (known && graph.is_constant(*known)) continue;  // before IR version 4 initializers are listed as inputs
            if (known || one.name.empty())
                broken(fmt::format("input `{}`", one.name), "its name is missing or given twice");
            const ValueId id = graph.add_value(one.name, one.type, one.dims);
            graph.value(id).symbols = one.symbols;
            graph.inputs.push_back(id);
        }
        for (ParsedNode& one : nodes) {
            if (one.node.name.empty()) one.node.name = one.node.op;
            one.node.name = unused(one.node.name);
            for (const std::string& name : one.outputs) {
                if (!name.empty() && graph.find_value(name)) {
                    broken(fmt::format("node `{}` ({})", one.node.name, one.node.op),
                           fmt::format("it makes `{}`, which is made before", name));
                }
                one.node.outputs.push_back(name.empty() ? ValueId::none : graph.add_value(name));
            }
        }
        for (ParsedNode& one : nodes) {
            for (const std::string& name : one.inputs) {
                const auto found = name.empty() ? std::optional(ValueId::none) : graph.find_value(name);
                if (!found)
                    broken(fmt::format("node `{}` ({})", one.node.name, one.node.op),
                           fmt::format("it reads `{}`, which nothing makes", name));
                one.node.inputs.push_back(*found);
            }
        }
        for (ParsedNode& one : nodes) add(std::move(one.node));
        for (const Info& one : outputs) {
            const auto found = graph.find_value(one.name);
            if (!found) broken(fmt::format("output `{}`", one.name), "nothing makes it");
            graph.outputs.push_back(*found);
        }
        std::vector<Info> stated = outputs;
        stated.insert(stated.end(), infos.begin(), infos.end());
        for (const Info& one : stated) {
            const auto found = graph.find_value(one.name);
            if (!found || graph.is_constant(*found)) continue;
            graph::Value& value = graph.value(*found);
            if (!value.type) value.type = one.type;
            if (!value.dims) value.dims = one.dims, value.symbols = one.symbols;
        }
    }

    /// Constant nodes are constants.
    void add(Node&& node) {
        if (node.op == "Constant" && node.domain.empty() && node.outputs.size() == 1) {
            graph::Value& value = graph.value(node.outputs[0]);
            if (auto content = constant(node)) {
                value.type = content->type();
                value.dims = content->dims();
                value.constant = std::move(content);
                return;
            }
        }
        graph.add_node(std::move(node));
    }

    static std::optional<Tensor> constant(const Node& node) {
        for (const auto& [name, attribute] : node.attributes) {
            if (const auto* t = std::get_if<Tensor>(&attribute)) return *t;
            if (const auto* i = std::get_if<int64_t>(&attribute)) return Tensor::of<int64_t>({}, std::span(i, 1));
            if (const auto* f = std::get_if<float>(&attribute)) return Tensor::of<float>({}, std::span(f, 1));
            if (const auto* is = std::get_if<std::vector<int64_t>>(&attribute))
                return Tensor::of<int64_t>({static_cast<int64_t>(is->size())}, *is);
            if (const auto* fs = std::get_if<std::vector<float>>(&attribute))
                return Tensor::of<float>({static_cast<int64_t>(fs->size())}, *fs);
        }
        return std::nullopt;
    }

    std::string unused(const std::string& name) {
        std::string candidate = name;
        int64_t& suffix =
            suffixes_[name];  // kept: thousands of nodes without a name must not search thousands of times
        while (!names_.insert(candidate).second) candidate = fmt::format("{}_{}", name, ++suffix);
        return candidate;
    }
    std::set<std::string> names_;
    std::map<std::string, int64_t> suffixes_;
};

}  // namespace

Graph parse(std::span<const std::byte> bytes, std::string_view name, const std::filesystem::path& folder) {
    Parser parser;
    parser.folder = folder;
    parser.file = fmt::format("`{}`", name);
    const auto damaged = [&](std::string_view what) {
        broken(parser.file, fmt::format("it is no ONNX model, or damaged: {}", what),
               "check that the file arrived whole");
    };
    try {
        parser.model(pbf_reader(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
        parser.link();
        parser.graph.sort();
        upgrade(parser.graph);
    } catch (const Error& error) {
        ErrorText text = error.text();
        if (!text.subject.starts_with(parser.file)) text.subject = fmt::format("{}: {}", parser.file, text.subject);
        throw Error(std::move(text));
    } catch (const protozero::exception& error) {
        damaged(error.what());
    } catch (const std::domain_error& error) {
        damaged(error.what());
    } catch (const std::bad_alloc&) {
        damaged("it asks for more memory than there is");
    }
    return std::move(parser.graph);
}

Graph read(const std::filesystem::path& path) {
    return parse(read_file(path), path.string(), path.has_parent_path() ? path.parent_path() : ".");
}

}  // namespace calotype::onnx
