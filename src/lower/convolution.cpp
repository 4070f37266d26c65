#include <fmt/format.h>

#include "lower/families.hpp"

namespace calotype::lower {
namespace {

/// [out, in / groups, taps...] -> [out, taps..., in / groups]
std::vector<float> channels_innermost(const std::vector<float>& weights, int64_t out, int64_t depth, int64_t taps) {
    std::vector<float> moved(weights.size());
    for (int64_t o = 0; o < out; ++o)
        for (int64_t c = 0; c < depth; ++c)
            for (int64_t t = 0; t < taps; ++t)
                moved[static_cast<size_t>((o * taps + t) * depth + c)] =
                    weights[static_cast<size_t>((o * depth + c) * taps + t)];
    return moved;
}

}  // namespace

void lower_conv(Builder& builder, NodeId id) {
    const Graph& graph = builder.graph;
    const Node& node = graph.node(id);
    const ValueId x = graph.input(id, 0), output = graph.output(id);
    const auto weights = builder.constant(graph.input(id, 1));
    if (!weights)
        builder.decline("NPU_RUN_TIME_WEIGHTS",
                        fmt::format("the weights `{}`, computed at run time", builder.name(graph.input(id, 1))));
    const Dims& dims = graph.value(graph.input(id, 1)).constant->dims();
    const int64_t groups = graph::int_attribute(node, "group", 1);
    const int64_t channels = builder.dims(x).at(1);
    if (dims.size() < 3 || dims.size() > 5 || groups < 1 || dims[0] % groups != 0 || dims[1] * groups != channels)
        builder.decline("NPU_ATTRIBUTE",
                        fmt::format("weights {} in {} groups on {} channels", to_string(dims), groups, channels));
    const npu::Conv conv{channels, dims[0], groups, window_of(builder, id, {dims.begin() + 2, dims.end()})};
    std::vector<float> bias(static_cast<size_t>(conv.out_channels), 0.0F);
    if (graph.input(id, 2) != ValueId::none) {
        const auto given = builder.constant(graph.input(id, 2));
        if (!given) builder.decline("NPU_RUN_TIME_WEIGHTS", "the bias, computed at run time");
        if (given->size() != bias.size())
            builder.decline("NPU_ATTRIBUTE", fmt::format("{} biases for {} channels", given->size(), bias.size()));
        bias = *given;
    }
    const npu::TensorId input = builder.require_channels_last(x);
    builder.add_channels_last(
        id, {conv, {input}, channels_innermost(*weights, dims[0], dims[1], conv.window.taps()), bias}, output);
}

}  // namespace calotype::lower
