#include <fmt/format.h>

#include "base/error.hpp"
#include "onnx/upgrade/steps.hpp"

namespace calotype::onnx::upgrading {
namespace {

std::string value_name(const Graph& graph, NodeId id, std::string_view what) {
    return graph.unused_value_name(fmt::format("{}/{}", graph.node(id).name, what));
}

}  // namespace

void refuse(const Graph& graph, NodeId id, std::string fact, std::string hint) {
    const graph::Node& node = graph.node(id);
    throw Error(
        {"OPSET_UNSUPPORTED", fmt::format("node `{}` ({})", node.name, node.op), std::move(fact), std::move(hint)});
}

ValueId int_constant(Graph& graph, NodeId id, std::string_view what, const std::vector<int64_t>& values) {
    return graph.add_constant(value_name(graph, id, what),
                              Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values));
}

ValueId float_constant(Graph& graph, NodeId id, std::string_view what, Dims dims, const std::vector<float>& values) {
    return graph.add_constant(value_name(graph, id, what), Tensor::of<float>(std::move(dims), values));
}

ValueId insert_before(Graph& graph, NodeId id, std::string_view what, std::string op, std::vector<ValueId> inputs,
                      std::map<std::string, graph::Attribute> attributes) {
    const ValueId out = graph.add_value(value_name(graph, id, what));
    graph::Node extra;
    extra.name = graph.unused_node_name(fmt::format("{}/{}", graph.node(id).name, what));
    extra.op = std::move(op);
    extra.inputs = std::move(inputs);
    extra.outputs = {out};
    extra.attributes = std::move(attributes);
    extra.sources = graph.node(id).sources;
    graph.add_node(std::move(extra));  // upgrade() gives it its place: a search here would cost the graph's length
    return out;
}

void ints_to_input(Graph& graph, NodeId id, const char* name, size_t index) {
    if (!graph.node(id).attributes.contains(name)) return;
    const ValueId value = int_constant(graph, id, name, ints_attribute(graph.node(id), name));
    graph.node(id).attributes.erase(name);
    graph.set_input(id, index, value);
}

void float_to_input(Graph& graph, NodeId id, const char* name, size_t index) {
    if (!graph.node(id).attributes.contains(name)) return;
    const ValueId value = float_constant(graph, id, name, {}, {float_attribute(graph.node(id), name, 0)});
    graph.node(id).attributes.erase(name);
    graph.set_input(id, index, value);
}

}  // namespace calotype::onnx::upgrading
