#include "optimize/quantization_words.hpp"

#include <array>

namespace calotype::optimize {

size_t moved_inputs(const Graph& graph, NodeId id) {
    static constexpr std::array kMoves{"Transpose", "Reshape", "Flatten",  "Squeeze",       "Unsqueeze",
                                       "Slice",     "Gather",  "Identity", "GlobalMaxPool", "SpaceToDepth",
                                       "Expand",    "Tile",    "MaxPool",  "DepthToSpace"};
    if (is_op(graph, id, "Concat")) return graph.node(id).inputs.size();
    if (is_op(graph, id, "Resize"))
        return graph::string_attribute(graph.node(id), "mode", "nearest") == "nearest" ? 1 : 0;
    const bool moves = std::ranges::any_of(kMoves, [&](const char* op) { return is_op(graph, id, op); });
    return moves && graph.node(id).outputs.size() == 1 ? 1 : 0;
}

ValueId insert_dequantize(Graph& graph, NodeId before, ValueId codes, ValueId scale, ValueId zero_point, int64_t axis) {
    std::map<std::string, graph::Attribute> attributes;
    if (const auto dims = known_dims(graph, scale); dims && !dims->empty() && element_count(*dims) > 1)
        attributes["axis"] = axis;
    std::vector<ValueId> inputs{codes, scale};
    if (zero_point != ValueId::none) inputs.push_back(zero_point);
    return insert(graph, before, {"DequantizeLinear", std::move(inputs), std::move(attributes)}, DataType::float32,
                  graph.value(codes).dims.value_or(Dims{}));
}

}  // namespace calotype::optimize
