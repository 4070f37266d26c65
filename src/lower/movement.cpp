// Layers that move codes and compute nothing.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lower/families.hpp"

namespace calotype::lower {
namespace {

/// Axis of a tensor in this order that axis 1, 2, ... of a value becomes.
int64_t tensor_axis(int64_t axis, const Order& order) {
    return std::find(order.axes.begin(), order.axes.end(), axis - 1) - order.axes.begin();
}

/// The same among the four axes of a map.
size_t map_axis(int64_t axis, const Order& order) {
    return static_cast<size_t>(tensor_axis(axis, order)) + 4 - order.axes.size();
}

/// The order in which inputs that already lie on the NPU do so, channels last where they differ: a detection head's
/// lists [batch, boxes, numbers] lie box by box, as the convolutions wrote them. Constants lie as the others want.
Order common_order(Builder& builder, const std::vector<ValueId>& inputs, const Dims& output) {
    std::optional<Order> common;
    for (const ValueId input : inputs) {
        if (builder.graph.is_constant(input) || !builder.placed(input)) continue;
        const Order own = builder.own_order(input);
        if (common && common->axes != own.axes) return channels_last(output);
        common = own;
    }
    return common.value_or(channels_last(output));
}

/// The source pixel of each output pixel as the Resize operator defines it, compared with x / factor.
bool repeats_pixels(const std::string& transform, const std::string& nearest, int64_t factor, int64_t input) {
    const double f = static_cast<double>(factor), in = static_cast<double>(input), out = in * f;
    for (int64_t i = 0; i < input * factor; ++i) {
        const double x = static_cast<double>(i);
        double source = x / f;
        if (transform == "half_pixel" || (transform == "pytorch_half_pixel" && out > 1))
            source = (x + 0.5) / f - 0.5;
        else if (transform == "pytorch_half_pixel")
            source = 0;
        else if (transform == "align_corners")
            source = out > 1 ? x * (in - 1) / (out - 1) : 0;
        else if (transform != "asymmetric")
            return false;
        double pixel = std::floor(source);
        if (nearest == "ceil") pixel = std::ceil(source);
        if (nearest == "round_prefer_floor") pixel = std::ceil(source - 0.5);
        if (nearest == "round_prefer_ceil") pixel = std::floor(source + 0.5);
        if (std::clamp<int64_t>(static_cast<int64_t>(pixel), 0, input - 1) != i / factor) return false;
    }
    return true;
}

/// By axis, the scales that the node states: a size that is rounded down hides what they are. Nothing where it states
/// sizes; then they are what the sizes say.
std::vector<double> stated_scales(const Builder& builder, NodeId id, size_t rank) {
    const Node& node = builder.graph.node(id);
    const ValueId given = builder.graph.input(id, node.op == "Upsample" ? 1 : 2);
    const auto scales = given == ValueId::none ? std::nullopt : builder.constant(given);
    if (!scales || scales->empty()) return {};
    auto axes = graph::ints_attribute(node, "axes");
    if (axes.empty()) axes = Order::identity(Dims(rank)).axes;
    if (axes.size() != scales->size()) builder.decline("NPU_ATTRIBUTE", "scales that do not match the axes");
    std::vector<double> by_axis(rank, 1);
    for (size_t i = 0; i < axes.size(); ++i)
        by_axis.at(static_cast<size_t>(axes[i] < 0 ? axes[i] + static_cast<int64_t>(rank) : axes[i])) = (*scales)[i];
    return by_axis;
}

}  // namespace

void lower_concat(Builder& builder, NodeId id) {
    const Graph& graph = builder.graph;
    const Node& node = graph.node(id);
    const Dims& out = builder.dims(graph.output(id));
    const int64_t axis = own_axis(builder, graph::int_attribute(node, "axis", 1), out.size());
    const auto dims_of = [&](ValueId input) {
        return graph.is_constant(input) ? graph.value(input).constant->dims() : builder.dims(input);
    };
    for (const ValueId input : node.inputs)
        if (dims_of(input).size() != out.size()) builder.decline("NPU_SHAPE", "inputs of different ranks");
    const Order made{{out.begin() + 1, out.end()}, common_order(builder, node.inputs, out).axes};
    std::vector<npu::TensorId> inputs;
    for (const ValueId input : node.inputs) {
        const Dims dims = dims_of(input);
        const Order order{{dims.begin() + 1, dims.end()}, made.axes};
        inputs.push_back(graph.is_constant(input) ? builder.hold(input, dims, order, order.target())
                                                  : builder.require(input, order, order.target()));
    }
    builder.add(id, {npu::Concat{tensor_axis(axis, made)}, inputs}, graph.output(id), made, made.target());
}

void lower_pad(Builder& builder, NodeId id) {
    const Graph& graph = builder.graph;
    const Node& node = graph.node(id);
    const ValueId x = graph.input(id, 0);
    const size_t rank = builder.dims(x).size();
    const std::string mode = graph::string_attribute(node, "mode", "constant");
    if (mode != "constant") builder.decline("NPU_PAD_MODE", mode);
    float value = graph::float_attribute(node, "value", 0);
    if (graph.input(id, 2) != ValueId::none) {
        const auto given = builder.constant(graph.input(id, 2));
        if (!given) builder.decline("NPU_PAD_VALUE", "computed at run time");
        if (!given->empty()) value = given->front();
    }
    if (value != 0) builder.decline("NPU_PAD_VALUE", fmt::format("{}", value));
    const auto pads = integers(builder, id, 1, "pads");
    std::vector<int64_t> axes;
    if (const auto given = integers(builder, id, 3, "axes"))
        axes = *given;
    else
        for (size_t i = 0; i < rank; ++i) axes.push_back(static_cast<int64_t>(i));
    if (!pads || pads->size() != 2 * axes.size()) builder.decline("NPU_ATTRIBUTE", "pads that do not match the axes");
    npu::Pad pad;
    npu::Axis* const spatial[] = {&pad.depth, &pad.height, &pad.width};
    for (size_t i = 0; i < axes.size(); ++i) {
        const int64_t before = (*pads)[i], after = (*pads)[axes.size() + i];
        if (before == 0 && after == 0) continue;
        if (before < 0 || after < 0) builder.decline("NPU_ATTRIBUTE", fmt::format("pads of {} and {}", before, after));
        const int64_t axis = own_axis(builder, axes[i], rank);
        if (axis == 1) {
            pad.channels_before = before;
            pad.channels_after = after;
        } else {
            npu::Axis& edge = *spatial[map_axis(axis, channels_last(builder.dims(x)))];
            edge.pad_before = before;
            edge.pad_after = after;
        }
    }
    const npu::TensorId input = builder.require_channels_last(x);
    builder.add_channels_last(id, {pad, {input}}, graph.output(id));
}

void lower_slice(Builder& builder, NodeId id) {
    const Graph& graph = builder.graph;
    const ValueId x = graph.input(id, 0);
    const Dims dims = builder.dims(x);
    const auto starts = integers(builder, id, 1, "starts"), ends = integers(builder, id, 2, "ends");
    auto axes = integers(builder, id, 3, "axes"), steps = integers(builder, id, 4, "steps");
    if (!starts || !ends || starts->size() != ends->size())
        builder.decline("NPU_ATTRIBUTE", "starts and ends that do not match");
    if (!axes) axes = Order::identity(Dims(starts->size())).axes;
    if (!steps) steps = std::vector<int64_t>(starts->size(), 1);
    if (axes->size() != starts->size() || steps->size() != starts->size())
        builder.decline("NPU_ATTRIBUTE", "axes or steps that do not match");
    npu::Crop crop;
    const Dims& out = builder.dims(graph.output(id));
    const Order order = builder.own_order(x), made{{out.begin() + 1, out.end()}, order.axes};
    constexpr int64_t kFar = int64_t{1} << 31;  // beyond any axis: exporters write many such numbers
    const auto bound = [](int64_t at) { return at >= kFar - 1 ? npu::Crop::kOpen : std::max(at, -kFar); };
    for (size_t i = 0; i < axes->size(); ++i) {
        int64_t axis = (*axes)[i];
        if (axis < 0) axis += static_cast<int64_t>(dims.size());
        if (axis == 0 && (*steps)[i] == 1 && out[0] == dims[0]) continue;
        axis = own_axis(builder, axis, dims.size());
        if ((*steps)[i] < 1) builder.decline("NPU_ATTRIBUTE", fmt::format("a step of {}", (*steps)[i]));
        const size_t to = map_axis(axis, order);
        crop.first[to] = bound((*starts)[i]);
        crop.end[to] = bound((*ends)[i]);
        crop.step[to] = std::min((*steps)[i], kFar);
        if (to != 3) continue;
        // Scales stand by channel: what counts from their end is counted from their start.
        const npu::CropRange range = npu::range_of(crop, {1, 1, 1, dims[static_cast<size_t>(axis)]});
        crop.first[to] = range.first[3];
        crop.end[to] = range.first[3] + (range.count[3] - 1) * crop.step[to] + 1;
    }
    const npu::TensorId input = builder.require(x, order, order.target());
    builder.add(id, {crop, {input}}, graph.output(id), made, made.target());
}

void lower_gather(Builder& builder, NodeId id) {
    const Graph& graph = builder.graph;
    const ValueId x = graph.input(id, 0), list = graph.input(id, 1);
    const Dims dims = builder.dims(x);
    const int64_t axis = own_axis(builder, graph::int_attribute(graph.node(id), "axis", 0), dims.size());
    if (!graph.is_constant(list) || graph.value(list).constant->dims().size() != 1)
        builder.decline("NPU_ATTRIBUTE", "indices that are no constant list");
    if (axis != 1) builder.decline("NPU_AXIS", fmt::format("a reorder along axis {}", axis));
    npu::ChannelReorder reorder{to_int64s(*graph.value(list).constant)};
    for (int64_t& index : reorder.source)
        if (index < 0) index += dims[1];
    const npu::TensorId input = builder.require_channels_last(x);
    builder.add_channels_last(id, {std::move(reorder), {input}}, graph.output(id));
}

void lower_split(Builder& builder, NodeId id) {
    const Graph& graph = builder.graph;
    const Node& node = graph.node(id);
    const ValueId x = graph.input(id, 0);
    const size_t rank = builder.dims(x).size();
    const int64_t axis = own_axis(builder, graph::int_attribute(node, "axis", 0), rank);
    for (const ValueId output : node.outputs) builder.dims(output);
    const Order order = builder.own_order(x);
    const npu::TensorId input = builder.require(x, order, order.target());
    npu::Crop crop;
    int64_t &first = crop.first[map_axis(axis, order)], &end = crop.end[map_axis(axis, order)];
    end = 0;
    for (const ValueId output : node.outputs) {
        const Dims& out = builder.dims(output);
        const Order made{{out.begin() + 1, out.end()}, order.axes};
        end += out[static_cast<size_t>(axis)];
        builder.add(id, {crop, {input}}, output, made, made.target());
        first = end;
    }
}

void lower_resize(Builder& builder, NodeId id) {
    const Graph& graph = builder.graph;
    const Node& node = graph.node(id);
    const ValueId x = graph.input(id, 0);
    const Dims &in = builder.dims(x), &out = builder.dims(graph.output(id));
    const std::string mode = graph::string_attribute(node, "mode", "nearest");
    if (mode != "nearest") builder.decline("NPU_RESIZE_MODE", mode);
    const bool old = node.op == "Upsample";
    const std::string transform =
        old ? "asymmetric" : graph::string_attribute(node, "coordinate_transformation_mode", "half_pixel");
    const std::string nearest = old ? "floor" : graph::string_attribute(node, "nearest_mode", "round_prefer_floor");
    if (transform == "tf_crop_and_resize") builder.decline("NPU_CROP_AND_RESIZE", transform);
    if (in.size() < 3 || in.size() > 4 || out.size() != in.size() || in[1] != out[1])
        builder.decline("NPU_RESIZE_FACTOR", fmt::format("{} from {}", to_string(out), to_string(in)));
    npu::Upsample upsample;
    const std::vector<double> scales = stated_scales(builder, id, in.size());
    for (size_t i = 2; i < in.size(); ++i) {
        const int64_t factor = out[i] / in[i];
        const bool whole = scales.empty() || in[i] == 1 || scales[i] == static_cast<double>(factor);
        if (!whole) builder.decline("NPU_RESIZE_FACTOR", fmt::format("{:g}", scales[i]));
        if (factor * in[i] != out[i])
            builder.decline("NPU_RESIZE_FACTOR", fmt::format("{} from {}", to_string(out), to_string(in)));
        if (!repeats_pixels(transform, nearest, factor, in[i]))
            builder.decline("NPU_RESIZE_MODE", fmt::format("nearest, {}, {}", transform, nearest));
        (i + 1 == in.size() ? upsample.factor_width : upsample.factor_height) = factor;
    }
    const npu::TensorId input = builder.require_channels_last(x);
    builder.add_channels_last(id, {upsample, {input}}, graph.output(id));
}

void lower_space_to_depth(Builder& builder, NodeId id) {
    const int64_t block = graph::int_attribute(builder.graph.node(id), "blocksize", 0);
    if (block < 1) builder.decline("NPU_ATTRIBUTE", fmt::format("a block of {}", block));
    const std::string mode = graph::string_attribute(builder.graph.node(id), "mode", "DCR");
    if (mode != "DCR") builder.decline("NPU_ATTRIBUTE", fmt::format("the mode {}", mode));
    const npu::TensorId input = builder.require_channels_last(builder.graph.input(id, 0));
    builder.add_channels_last(id, {npu::SpaceToDepth{block}, {input}}, builder.graph.output(id));
}

}  // namespace calotype::lower
