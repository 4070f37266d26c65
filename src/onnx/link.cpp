#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "onnx/read_parts.hpp"
#include "onnx/unused_names.hpp"

namespace calotype::onnx {
namespace {

using graph::Graph;
using graph::Node;
using graph::ValueId;

/// The content of a Constant node, where it is numbers.
std::optional<Tensor> constant_of(const Node& node) {
    if (node.op != "Constant" || !node.domain.empty() || node.outputs.size() != 1) return std::nullopt;
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

void add_initializers(Graph& graph, std::vector<NamedTensor>& initializers) {
    for (NamedTensor& one : initializers) {
        if (one.name.empty() || graph.find_value(one.name))
            broken(fmt::format("tensor `{}`", one.name), "its name is missing or given twice");
        graph.add_constant(std::move(one.name), std::move(one.tensor));
    }
}

void add_inputs(Graph& graph, const std::vector<ValueInfo>& inputs) {
    for (const ValueInfo& one : inputs) {
        const auto known = graph.find_value(one.name);
        if (known && graph.is_constant(*known)) continue;  // before IR version 4 initializers are listed as inputs
        if (known || one.name.empty())
            broken(fmt::format("input `{}`", one.name), "its name is missing or given twice");
        if (!one.type && !one.other)
            broken(fmt::format("input `{}`", one.name), "its element type is missing or not supported");
        const ValueId id = graph.add_value(one.name, one.type, one.dims);
        graph.value(id).other = one.other;
        graph.value(id).symbols = one.symbols;
        graph.inputs.push_back(id);
    }
}

void add_made_values(Graph& graph, std::vector<NamedNode>& nodes, const Deadline& deadline) {
    UnusedNames names;
    for (auto& [node, inputs, outputs, overload] : nodes) {
        deadline.check();
        node.name = names.unused(node.name.empty() ? node.op : node.name);
        for (const std::string& name : outputs) {
            if (!name.empty() && graph.find_value(name))
                broken(subject_of(node), fmt::format("it makes `{}`, which is made before", name));
            node.outputs.push_back(name.empty() ? ValueId::none : graph.add_value(name));
        }
        outputs = {};  // of a million nodes, names are what fills the memory
    }
}

void find_read_values(const Graph& graph, std::vector<NamedNode>& nodes, const Deadline& deadline) {
    for (auto& [node, inputs, outputs, overload] : nodes) {
        deadline.check();
        for (const std::string& name : inputs) {
            const auto found = name.empty() ? std::optional(ValueId::none) : graph.find_value(name);
            if (!found) broken(subject_of(node), fmt::format("it reads `{}`, which nothing makes", name));
            node.inputs.push_back(*found);
        }
        inputs = {};
        for (const auto& [attribute, value] : node.attributes) {
            const auto* subgraph = std::get_if<graph::OpaqueGraph>(&value);
            if (subgraph == nullptr) continue;
            for (const std::string& name : subgraph->captured_values) {
                if (!graph.find_value(name))
                    broken(subject_of(node),
                           fmt::format("its subgraph `{}` reads `{}`, which nothing makes", attribute, name));
            }
        }
    }
}

void add_nodes(Graph& graph, std::vector<NamedNode>& nodes, const Deadline& deadline) {
    for (NamedNode& one : nodes) {
        deadline.check();
        if (auto content = constant_of(one.node)) {
            graph::Value& value = graph.value(one.node.outputs[0]);
            value.type = content->type();
            value.dims = content->dims();
            value.constant = std::move(content);
        } else {
            graph.add_node(std::move(one.node));
        }
    }
}

/// An output is what some node makes: an Identity hands a constant on under the output's name.
void make_by_node(Graph& graph, ValueId output) {
    graph::Value& value = graph.value(output);
    Tensor content = *std::exchange(value.constant, std::nullopt);
    const ValueId copy = graph.add_constant(graph.unused_value_name(value.name + "_value"), std::move(content));
    graph.replace_uses(output, copy);
}

void add_outputs(Graph& graph, const std::vector<ValueInfo>& outputs) {
    std::set<ValueId> seen;
    for (const ValueInfo& one : outputs) {
        const auto found = graph.find_value(one.name);
        if (!found) broken(fmt::format("output `{}`", one.name), "nothing makes it");
        if (!seen.insert(*found).second)
            continue;  // as TorchScript writes `return y, y`: one value, handed out by name
        if (std::ranges::find(graph.inputs, *found) != graph.inputs.end()) {
            broken(fmt::format("output `{}`", one.name), "it is an input too: a value has one name on each side",
                   "put an Identity between them, or drop the output");
        }
        graph.outputs.push_back(*found);
        if (graph.is_constant(*found)) make_by_node(graph, *found);
    }
}

/// Each takes its place in the manifest and in every run; before IR version 4 a file's inputs are its initializers too.
void check_ports(const Graph& graph) {
    constexpr size_t kMost = 4096;
    for (const auto& [count, what] : {std::pair(graph.inputs.size(), "inputs"), {graph.outputs.size(), "outputs"}})
        if (count > kMost)
            broken("the graph", fmt::format("it has {} {}, at most {} are supported", count, what, kMost));
}

/// What the file says about types and shapes of values in between and of outputs.
void state(Graph& graph, const std::vector<ValueInfo>& infos) {
    for (const ValueInfo& one : infos) {
        const auto found = graph.find_value(one.name);
        if (!found || graph.is_constant(*found)) continue;
        graph::Value& value = graph.value(*found);
        if (!value.type) value.type = one.type;
        if (!value.other) value.other = one.other;
        if (!value.dims) value.dims = one.dims, value.symbols = one.symbols;
    }
}

/// Before IR version 3 nothing was imported and opset 1 meant. A model of other domains alone may leave ai.onnx out.
int64_t implied_opset(const Model& model) {
    if (model.opsets.empty() && model.ir_version < 3) return 1;
    for (const NamedNode& one : model.nodes) {
        if (one.node.domain.empty())
            broken("the model", fmt::format("it imports no opset of ai.onnx, which {} is of", subject_of(one.node)));
    }
    return Graph().opset;
}

}  // namespace

Graph link(Model model, const Deadline& deadline) {
    if (!model.has_graph) broken("the model", "it holds no graph", "check that this is an ONNX file");
    if (model.outputs.empty()) broken("the graph", "it has no outputs");
    if (!model.opsets.contains("")) model.opsets[""] = implied_opset(model);
    Graph graph;
    graph.name = std::move(model.graph_name);
    graph.opset = model.opsets.extract("").mapped();
    graph.other_opsets = std::move(model.opsets);
    graph.local_functions = std::move(model.local_functions);
    add_initializers(graph, model.initializers);
    add_inputs(graph, model.inputs);
    add_made_values(graph, model.nodes, deadline);
    find_read_values(graph, model.nodes, deadline);
    add_nodes(graph, model.nodes, deadline);
    add_outputs(graph, model.outputs);
    check_ports(graph);
    state(graph, model.outputs);
    state(graph, model.infos);
    widen_four_bits(graph);
    return graph;
}

}  // namespace calotype::onnx
