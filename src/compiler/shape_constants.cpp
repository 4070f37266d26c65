#include "compiler/shape_constants.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "observe/observe.hpp"

namespace calotype::compiler {
namespace {

using graph::Graph;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

/// The value whose shape this one is computed from.
std::string origin_of(const Graph& graph, ValueId value, const std::set<ValueId>& from_shapes) {
    while (true) {
        const Node& node = graph.node(graph.producer(value));
        const auto before = std::ranges::find_if(node.inputs, [&](ValueId in) { return from_shapes.contains(in); });
        if (before == node.inputs.end()) return graph.value(node.inputs.front()).name;  // the Shape or Size node
        value = *before;
    }
}

/// An operator that takes the size from its inputs, where NPU and ONNX Runtime's newer operators take numbers.
std::string tied_by_operator(const Node& node) {
    constexpr std::array<std::string_view, 4> kBroadcasts{"Add", "Sub", "Mul", "Sum"};
    if (std::ranges::find(kBroadcasts, node.op) != kBroadcasts.end())
        return fmt::format(": how often `{}` repeats one map over another", node.name);
    if (node.op.starts_with("Reduce")) return fmt::format(": the length of the axes that `{}` reduces", node.name);
    return {};
}

}  // namespace

std::string tied_by(const Graph& file_graph, const std::vector<std::string>& node_names) {
    const std::set<ValueId> from_shapes = observe::values_from_shapes(file_graph);
    std::string by_operator;
    for (const NodeId id : file_graph.nodes()) {
        const Node& node = file_graph.node(id);
        if (std::ranges::find(node_names, node.name) == node_names.end()) continue;
        for (const ValueId input : node.inputs)
            if (from_shapes.contains(input))
                return fmt::format(": `{}`, computed from the shape of `{}`", file_graph.value(input).name,
                                   origin_of(file_graph, input, from_shapes));
        const std::string auto_pad = graph::string_attribute(node, "auto_pad", "NOTSET");
        if (auto_pad.starts_with("SAME")) return fmt::format(": the pads of `{}`, by auto_pad {}", node.name, auto_pad);
        if (by_operator.empty()) by_operator = tied_by_operator(node);
    }
    return by_operator;
}

}  // namespace calotype::compiler
