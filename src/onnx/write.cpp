#include "onnx/write.hpp"

#include <utility>

#include "base/narrow_types.hpp"
#include "onnx/fields.hpp"
#include "onnx/protozero.hpp"
#include "onnx/types.hpp"

namespace calotype::onnx {
namespace {

using protozero::pbf_writer;

enum AttributeType : int32_t {
    kFloat = 1,
    kInt = 2,
    kString = 3,
    kTensor = 4,
    kGraph = 5,
    kFloats = 6,
    kInts = 7,
    kStrings = 8
};

std::string tensor_bytes(const std::string& name, const Tensor& tensor) {
    std::string out;
    pbf_writer writer(out);
    writer.add_packed_int64(field::tensor::dims, tensor.dims().begin(), tensor.dims().end());
    writer.add_int32(field::tensor::data_type, to_onnx(tensor.type()));
    if (!name.empty()) writer.add_string(field::tensor::name, name);
    for (const std::string& one : tensor.strings()) writer.add_bytes(field::tensor::string_data, one);
    if (tensor.type() == DataType::string) return out;
    const std::vector<std::byte> narrow = is_narrow(tensor.type()) ? packed(tensor) : std::vector<std::byte>();
    const std::span<const std::byte> bytes = is_narrow(tensor.type()) ? narrow : tensor.bytes();
    writer.add_bytes(field::tensor::raw_data, reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return out;
}

struct WriteAttribute {
    pbf_writer& writer;

    void type(AttributeType number) const { writer.add_int32(field::attribute::type, number); }
    void operator()(int64_t v) const {
        writer.add_int64(field::attribute::i, v);
        type(kInt);
    }
    void operator()(float v) const {
        writer.add_float(field::attribute::f, v);
        type(kFloat);
    }
    void operator()(const std::string& v) const {
        writer.add_bytes(field::attribute::s, v);
        type(kString);
    }
    void operator()(const Tensor& v) const {
        writer.add_message(field::attribute::t, tensor_bytes("", v));
        type(kTensor);
    }
    void operator()(const std::vector<int64_t>& v) const {
        for (const int64_t one : v) writer.add_int64(field::attribute::ints, one);
        type(kInts);
    }
    void operator()(const std::vector<float>& v) const {
        for (const float one : v) writer.add_float(field::attribute::floats, one);
        type(kFloats);
    }
    void operator()(const std::vector<std::string>& v) const {
        for (const std::string& one : v) writer.add_bytes(field::attribute::strings, one);
        type(kStrings);
    }
    void operator()(const graph::OpaqueGraph& v) const {
        writer.add_message(field::attribute::g, v.bytes);
        type(kGraph);
    }
};

std::string node_bytes(const graph::Graph& graph, const graph::Node& node) {
    std::string out;
    pbf_writer writer(out);
    const auto name_of = [&](graph::ValueId id) {
        return id == graph::ValueId::none ? std::string() : graph.value(id).name;
    };
    for (const auto id : node.inputs) writer.add_string(field::node::input, name_of(id));
    for (const auto id : node.outputs) writer.add_string(field::node::output, name_of(id));
    writer.add_string(field::node::name, node.name);
    writer.add_string(field::node::op_type, node.op);
    if (!node.domain.empty()) writer.add_string(field::node::domain, node.domain);
    for (const auto& [name, attribute] : node.attributes) {
        pbf_writer inner(writer, field::node::attribute);
        inner.add_string(field::attribute::name, name);
        std::visit(WriteAttribute{inner}, attribute);
    }
    return out;
}

/// A TypeProto.
std::string type_bytes(const graph::OtherType& other) {
    std::string out;
    pbf_writer writer(out);
    pbf_writer tensor(writer, field::type::tensor);
    tensor.add_int32(field::tensor_type::elem_type, to_onnx(other.element));
    tensor.commit();
    const auto hold = [&](uint32_t holder) {
        std::string held = std::exchange(out, {});
        pbf_writer outer(out);
        pbf_writer(outer, holder).add_message(field::holder_type::elem_type, held);
    };
    if (is_sequence(other.kind)) hold(field::type::sequence);
    if (is_optional(other.kind)) hold(field::type::optional);
    return out;
}

std::string value_bytes(const graph::Value& value) {
    std::string out;
    pbf_writer writer(out);
    writer.add_string(field::value_info::name, value.name);
    if (value.other) writer.add_message(field::value_info::type, type_bytes(*value.other));
    if (!value.type) return out;
    pbf_writer type(writer, field::value_info::type);
    pbf_writer tensor(type, field::type::tensor);
    tensor.add_int32(field::tensor_type::elem_type, to_onnx(*value.type));
    if (!value.dims) {
        tensor.commit();
        type.commit();
        return out;
    }
    std::string shape;  // as a dim: a scalar's is empty, and no shape would mean any rank
    pbf_writer all_dims(shape);
    for (size_t i = 0; i < value.dims->size(); ++i) {
        std::string dim;  // empty where nothing is known: pbf_writer drops an empty message it opened itself
        pbf_writer content(dim);
        if ((*value.dims)[i] >= 0) {
            content.add_int64(field::dim::value, (*value.dims)[i]);
        } else if (i < value.symbols.size() && !value.symbols[i].empty()) {
            content.add_string(field::dim::param, value.symbols[i]);
        }
        all_dims.add_message(field::shape::dim, dim);
    }
    tensor.add_message(field::tensor_type::shape, shape);
    tensor.commit();
    type.commit();
    return out;
}

}  // namespace

std::string write_graph(const graph::Graph& graph) {
    std::string out;
    pbf_writer writer(out);
    for (const auto id : graph.nodes()) writer.add_message(field::graph::node, node_bytes(graph, graph.node(id)));
    writer.add_string(field::graph::name, graph.name.empty() ? "graph" : graph.name);
    for (const auto id : graph.values()) {
        const graph::Value& value = graph.value(id);
        if (value.constant) writer.add_message(field::graph::initializer, tensor_bytes(value.name, *value.constant));
    }
    for (const auto id : graph.inputs) writer.add_message(field::graph::input, value_bytes(graph.value(id)));
    for (const auto id : graph.outputs) writer.add_message(field::graph::output, value_bytes(graph.value(id)));
    return out;
}

namespace {

std::string opset_bytes(const std::string& domain, int64_t version) {
    std::string out;
    pbf_writer writer(out);
    writer.add_string(field::opset::domain, domain);
    writer.add_int64(field::opset::version, version);
    return out;
}

std::string function_bytes(const graph::Function& function) {
    const graph::Graph& body = function.body;
    std::string out;
    pbf_writer writer(out);
    writer.add_string(field::function::name, body.name);
    for (const auto id : body.inputs) writer.add_string(field::function::input, body.value(id).name);
    for (const auto id : body.outputs) writer.add_string(field::function::output, body.value(id).name);
    for (const auto id : body.nodes()) writer.add_message(field::function::node, node_bytes(body, body.node(id)));
    writer.add_message(field::function::opset_import, opset_bytes("", body.opset));
    writer.add_string(field::function::domain, function.domain);
    return out;
}

/// The least IR version that knows the opset (onnx/docs/Versioning.md).
int64_t ir_version(int64_t opset) { return opset >= 23 ? 11 : opset >= 21 ? 10 : opset >= 19 ? 9 : 8; }

}  // namespace

std::string write(const graph::Graph& graph) {
    std::string out;
    pbf_writer writer(out);
    writer.add_int64(field::model::ir_version, ir_version(graph.opset));
    writer.add_string(field::model::producer_name, "calotype");
    writer.add_message(field::model::graph, write_graph(graph));
    writer.add_message(field::model::opset_import, opset_bytes("", graph.opset));
    for (const auto& [domain, version] : graph.other_opsets)
        writer.add_message(field::model::opset_import, opset_bytes(domain, version));
    for (const auto& [key, value] : graph.metadata) {
        pbf_writer entry(writer, field::model::metadata);
        entry.add_string(field::entry::key, key);
        entry.add_string(field::entry::value, value);
    }
    for (const graph::Function& function : graph.functions)
        writer.add_message(field::model::functions, function_bytes(function));
    out += graph.local_functions;
    return out;
}

}  // namespace calotype::onnx
