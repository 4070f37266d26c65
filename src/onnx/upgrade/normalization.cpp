#include <fmt/format.h>

#include "base/error.hpp"
#include "onnx/upgrade/steps.hpp"

namespace calotype::onnx::upgrading {

/// `spatial` = 0 has statistics per pixel; 9 dropped it.
void batch_normalization_9(Graph& graph, NodeId id) {
    if (int_attribute(graph.node(id), "spatial", 1) == 0) {
        refuse(graph, id, "it normalizes every pixel on its own (`spatial` is 0)", "export it again with opset 9");
    }
    graph.node(id).attributes.erase("spatial");
}

/// Before 14 further outputs were the statistics of training.
void batch_normalization_14(Graph& graph, NodeId id) {
    const auto outputs = graph.node(id).outputs;
    for (size_t i = 1; i < outputs.size(); ++i) {
        if (outputs[i] == ValueId::none) continue;
        if (graph.uses(outputs[i]) > 0) {
            refuse(graph, id, "it trains: its running statistics are read", "export the model for inference");
        }
        graph.value(outputs[i]).producer = NodeId::none;
    }
    if (outputs.size() > 1) graph.node(id).outputs.resize(1);
}

/// Before 21 scale and bias have one element a group, since then one a channel:
/// scale [G] => Reshape(Expand(Reshape(scale, [G, 1]), [G, C / G]), [C]),   C from the shape of x
void group_normalization(Graph& graph, NodeId id) {
    const int64_t groups = int_attribute(graph.node(id), "num_groups", 0);
    const ValueId x = graph.input(id, 0);
    if (groups <= 0 || x == ValueId::none) refuse(graph, id, "it has no `num_groups` or no input", "export it again");
    const std::vector<int64_t> rows = {groups, 1};
    const ValueId channels =
        insert_before(graph, id, "channels", "Shape", {x}, {{"start", int64_t{1}}, {"end", int64_t{2}}});
    const ValueId count = int_constant(graph, id, "groups", {groups});
    const ValueId share = insert_before(graph, id, "share", "Div", {channels, count});
    const ValueId matrix = insert_before(graph, id, "matrix", "Concat", {count, share}, {{"axis", int64_t{0}}});
    for (const size_t index : {size_t{1}, size_t{2}}) {
        if (graph.input(id, index) == ValueId::none) refuse(graph, id, "it has no scale or bias", "export it again");
        const std::string what = index == 1 ? "scale" : "bias";
        const ValueId column = insert_before(graph, id, what + "_column", "Reshape",
                                             {graph.input(id, index), int_constant(graph, id, what + "_rows", rows)});
        const ValueId wide = insert_before(graph, id, what + "_wide", "Expand", {column, matrix});
        graph.set_input(id, index, insert_before(graph, id, what, "Reshape", {wide, channels}));
    }
}

}  // namespace calotype::onnx::upgrading
