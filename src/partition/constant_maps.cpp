#include "partition/constant_maps.hpp"

#include <algorithm>
#include <set>
#include <string_view>

namespace calotype::partition {
namespace {

/// One number, or one a channel, of a value of these dims.
bool one_a_channel(Dims dims, const Dims& whole) {
    if (dims.size() > whole.size()) return false;
    dims.insert(dims.begin(), whole.size() - dims.size(), 1);
    for (size_t i = 0; i < dims.size(); ++i)
        if (i != 1 && dims[i] != 1) return false;
    return true;
}

bool is_constant(const graph::Graph& graph, graph::ValueId value) {
    return value != graph::ValueId::none && graph.is_constant(value);
}

}  // namespace

bool reads_constant_map(const graph::Graph& graph, graph::NodeId id) {
    const graph::Node& node = graph.node(id);
    const bool joins = node.op == "Concat";
    if (!node.domain.empty() || !(joins || node.op == "Add" || node.op == "Mul")) return false;
    const auto constant = std::ranges::find_if(node.inputs, [&](graph::ValueId in) { return graph.is_constant(in); });
    if (constant == node.inputs.end()) return false;
    const auto whole = graph::concrete_dims(graph, graph.output(id));
    return joins || (whole && !one_a_channel(graph.value(*constant).constant->dims(), *whole));
}

bool only_moves(const graph::Graph& graph, graph::NodeId id) {
    static const std::set<std::string_view> ops = {"Concat",    "Reshape",  "Flatten", "Squeeze", "Unsqueeze",
                                                   "Transpose", "Identity", "Slice",   "Split",   "Gather"};
    return graph.node(id).domain.empty() && ops.contains(graph.node(id).op);
}

bool is_linear(const graph::Graph& graph, graph::NodeId id) {
    const graph::Node& node = graph.node(id);
    if (node.domain.empty() && node.op == "Conv" && is_constant(graph, node.inputs[1])) {
        const Tensor& weights = *graph.value(node.inputs[1]).constant;
        return graph::int_attribute(node, "group", 1) == weights.elements();
    }
    static const std::set<std::string_view> ops = {"Add", "Sub", "Mul", "Div"};
    return node.domain.empty() && ops.contains(node.op) &&
           std::ranges::any_of(node.inputs, [&](graph::ValueId in) { return is_constant(graph, in); });
}

}  // namespace calotype::partition
