
#include <algorithm>

#include "base/error.hpp"
#include "onnx/upgrade/steps.hpp"

namespace calotype::onnx::upgrading {

/// `spatial` = 0 has statistics per pixel, which 9 dropped. Of one axis they are those of channels all the same; else
/// BatchNormalization_8(x, scale, bias, mean, var) => (x - mean) / Sqrt(var + epsilon) * scale + bias
void batch_normalization_9(Graph& graph, NodeId id) {
    const bool every_pixel = int_attribute(graph.node(id), "spatial", 1) == 0;
    graph.node(id).attributes.erase("spatial");
    const auto inputs = graph.node(id).inputs;
    const bool complete = inputs.size() == 5 && std::ranges::find(inputs, ValueId::none) == inputs.end();
    if (!every_pixel || !complete) return;
    const auto& dims = graph.value(inputs[1]).dims;
    if (dims && dims->size() == 1) return;
    batch_normalization_14(graph, id);
    const float epsilon = float_attribute(graph.node(id), "epsilon", 1e-5F);
    const ValueId typed = insert_before(graph, id, "epsilon_typed", "CastLike",
                                        {float_constant(graph, id, "epsilon", {}, {epsilon}), inputs[4]});
    const ValueId variance = insert_before(graph, id, "variance", "Add", {inputs[4], typed});
    const ValueId deviation = insert_before(graph, id, "deviation", "Sqrt", {variance});
    const ValueId centred = insert_before(graph, id, "centred", "Sub", {inputs[0], inputs[3]});
    const ValueId normal = insert_before(graph, id, "normal", "Div", {centred, deviation});
    const ValueId scaled = insert_before(graph, id, "scaled", "Mul", {normal, inputs[1]});
    graph.set_input(id, 0, scaled);
    graph.set_input(id, 1, inputs[2]);
    for (size_t index = 2; index < 5; ++index) graph.set_input(id, index, ValueId::none);
    graph.node(id).inputs.resize(2);
    graph.node(id).op = "Add";
    graph.node(id).attributes.clear();
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
