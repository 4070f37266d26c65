#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "lower/families.hpp"

namespace calotype::lower {
namespace {

npu::Axis* axes_of(npu::Window& window, size_t spatial, size_t i) {
    npu::Axis* const all[] = {&window.depth, &window.height, &window.width};
    return all[3 - spatial + i];
}

/// Ceil mode leaves windows that end behind the padded map: pad_after grows to what makes the output's size. True if it
/// did.
bool extend(npu::Axis& axis, int64_t input, int64_t output) {
    if (axis.output(input) >= output) return false;
    axis.pad_after = (output - 1) * axis.stride + axis.extent() - input - axis.pad_before;
    return true;
}

constexpr float kSentinel = -65504;  // the lowest number of half precision; no map holds it

/// A number far below the map's own that a Pad or a Concat on the host put into it, so that no maximum is of the
/// padding: as the input of an NPU part it would widen the range.
std::optional<float> padded_with(const Builder& builder, ValueId x, int depth = 0) {
    const Graph& graph = builder.graph;
    const NodeId id = x == ValueId::none ? NodeId::none : graph.producer(x);
    if (id == NodeId::none || depth > 8) return std::nullopt;
    const Node& node = graph.node(id);
    if (node.op == "Pad") {
        const ValueId given = graph.input(id, 2);
        if (given == ValueId::none) return graph::float_attribute(node, "value", 0);
        const auto fill = builder.constant(given);
        return fill && !fill->empty() ? std::optional(fill->front()) : std::nullopt;
    }
    static const std::set<std::string_view> moves = {"Concat", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Slice"};
    if (!moves.contains(node.op)) return std::nullopt;
    for (size_t i = 0; i < (node.op == "Concat" ? node.inputs.size() : 1); ++i) {
        if (const auto constant = builder.constant(node.inputs[i]); constant && !constant->empty()) {
            const float least = *std::ranges::min_element(*constant);
            if (least <= kSentinel) return least;
        } else if (const auto fill = padded_with(builder, node.inputs[i], depth + 1)) {
            return fill;
        }
    }
    return std::nullopt;
}

/// 1x1 convolution that sums the channels, times `factor`.
void sum_channels(Builder& builder, NodeId id, float factor) {
    const ValueId x = builder.graph.input(id, 0), output = builder.graph.output(id);
    const int64_t channels = builder.dims(x)[1];
    Dims dims = builder.dims(x);
    dims[1] = 1;
    const npu::TensorId input = builder.require_channels_last(x);
    NewLayer layer{
        npu::Conv{channels, 1, 1, {}}, {input}, std::vector<float>(static_cast<size_t>(channels), factor), {0.0F}};
    const Dims shape = channels_last_shape(dims);
    builder.add(id, std::move(layer), output, Order::identity(shape), shape);
}

}  // namespace

void lower_pool(Builder& builder, NodeId id) {
    const Graph& graph = builder.graph;
    const Node& node = graph.node(id);
    const ValueId x = graph.input(id, 0), output = graph.output(id);
    const bool average = node.op == "AveragePool";
    if (node.outputs.size() > 1 && node.outputs[1] != ValueId::none && graph.uses(node.outputs[1]) > 0)
        builder.decline("NPU_ATTRIBUTE", "the second output, the positions of the maxima");
    if (const auto fill = padded_with(builder, x); !average && fill.value_or(0) != 0)
        builder.decline("NPU_PAD_VALUE", fmt::format("{} in its input", *fill));
    npu::Pool pool{average ? npu::PoolKind::average : npu::PoolKind::max, false,
                   window_of(builder, id, graph::ints_attribute(node, "kernel_shape"))};
    const Dims& in = builder.dims(x);
    const Dims& out = builder.dims(output);
    const bool counts_pads = graph::int_attribute(node, "count_include_pad", 0) != 0;
    for (size_t i = 0; i + 2 < in.size(); ++i) {
        npu::Axis& axis = *axes_of(pool.window, in.size() - 2, i);
        const bool padded = axis.pad_before + axis.pad_after > 0;
        const bool extended = extend(axis, in[i + 2], out[i + 2]);
        if (average && (extended || (padded && !counts_pads)))
            builder.decline("NPU_AVERAGE_PADDING",
                            fmt::format("{} pixels of padding on axis {}", axis.pad_before + axis.pad_after, i + 2));
    }
    const npu::TensorId input = builder.require_channels_last(x);
    builder.add_channels_last(id, {pool, {input}}, output);
}

void lower_global_pool(Builder& builder, NodeId id) {
    const bool average = builder.graph.node(id).op == "GlobalAveragePool";
    const npu::Pool pool{average ? npu::PoolKind::average : npu::PoolKind::max, true, {}};
    const npu::TensorId input = builder.require_channels_last(builder.graph.input(id, 0));
    builder.add_channels_last(id, {pool, {input}}, builder.graph.output(id));
}

void lower_reduce(Builder& builder, NodeId id) {
    const Graph& graph = builder.graph;
    const Node& node = graph.node(id);
    const ValueId x = graph.input(id, 0), output = graph.output(id);
    const Dims in = builder.dims(x);
    const auto given = integers(builder, id, 1, "axes");
    if (!given || given->empty()) builder.decline("NPU_AXIS", "a reduction over all axes, the batch too");
    std::vector<int64_t> axes;
    for (const int64_t axis : *given) axes.push_back(own_axis(builder, axis, in.size()));
    std::sort(axes.begin(), axes.end());
    const bool mean = node.op == "ReduceMean", max = node.op == "ReduceMax";
    if (axes == std::vector<int64_t>{1} && in.size() > 2 && !max)
        return sum_channels(builder, id, mean ? 1.0F / static_cast<float>(in[1]) : 1.0F);
    if (axes.front() == 1 || (!mean && !max))
        builder.decline("NPU_AXIS", fmt::format("{} over axes {} of {} axes", node.op, to_string(axes), in.size()));
    npu::Pool pool{max ? npu::PoolKind::max : npu::PoolKind::average, axes.size() == in.size() - 2, {}};
    Dims reduced = in;
    for (const int64_t axis : axes) {
        reduced[static_cast<size_t>(axis)] = 1;
        npu::Axis& window = *axes_of(pool.window, in.size() - 2, static_cast<size_t>(axis) - 2);
        if (!pool.global) window.kernel = window.stride = in[static_cast<size_t>(axis)];
    }
    const npu::TensorId input = builder.require_channels_last(x);
    builder.add(id, {pool, {input}}, output, channels_last(reduced), channels_last_shape(reduced));
}

}  // namespace calotype::lower
