#include <fmt/format.h>

#include <algorithm>

#include "lower/families.hpp"

namespace calotype::lower {
namespace {

void same_pads(npu::Axis& axis, int64_t input, int64_t output, bool upper) {
    const int64_t total = std::max<int64_t>(0, (output - 1) * axis.stride + axis.extent() - input);
    axis.pad_before = upper ? total / 2 : total - total / 2;
    axis.pad_after = total - axis.pad_before;
}

}  // namespace

npu::Window window_of(const Builder& builder, NodeId id, const std::vector<int64_t>& kernel) {
    const Node& node = builder.graph.node(id);
    const Dims& in = builder.dims(builder.graph.input(id, 0));
    const Dims& out = builder.dims(builder.graph.output(id));
    const size_t axes = kernel.size();
    if (in.size() != axes + 2 || out.size() != axes + 2 || axes > 3)
        builder.decline("NPU_SHAPE", fmt::format("a window of {} axes on {}", axes, to_string(in)));
    const auto strides = graph::ints_attribute(node, "strides", std::vector<int64_t>(axes, 1));
    const auto dilations = graph::ints_attribute(node, "dilations", std::vector<int64_t>(axes, 1));
    const auto pads = graph::ints_attribute(node, "pads", std::vector<int64_t>(2 * axes, 0));
    const std::string auto_pad = graph::string_attribute(node, "auto_pad", "NOTSET");
    if (strides.size() != axes || dilations.size() != axes || pads.size() != 2 * axes)
        builder.decline("NPU_ATTRIBUTE", fmt::format("strides, dilations and pads of {} axes", axes));
    npu::Window window;
    npu::Axis* const all[] = {&window.depth, &window.height, &window.width};
    for (size_t i = 0; i < axes; ++i) {
        npu::Axis& axis = *all[3 - axes + i];
        axis = {kernel[i], strides[i], dilations[i], pads[i], pads[axes + i]};
        if (axis.kernel < 1 || axis.stride < 1 || axis.dilation < 1 || axis.pad_before < 0 || axis.pad_after < 0)
            builder.decline("NPU_ATTRIBUTE", "a kernel, stride or dilation below 1, or a negative pad");
        if (auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER")
            same_pads(axis, in[i + 2], out[i + 2], auto_pad == "SAME_UPPER");
        else if (auto_pad == "VALID")
            axis.pad_before = axis.pad_after = 0;
    }
    return window;
}

int64_t own_axis(const Builder& builder, int64_t axis, size_t rank) {
    const int64_t counted = axis < 0 ? axis + static_cast<int64_t>(rank) : axis;
    if (counted < 1 || counted >= static_cast<int64_t>(rank))
        builder.decline("NPU_AXIS", fmt::format("axis {} of {}", axis, rank));
    return counted;
}

std::optional<std::vector<int64_t>> integers(const Builder& builder, NodeId id, size_t index,
                                             std::string_view attribute) {
    const ValueId value = builder.graph.input(id, index);
    if (value != ValueId::none) {
        if (!builder.graph.is_constant(value))
            builder.decline("NPU_RUN_TIME_WEIGHTS", fmt::format("`{}`, computed at run time", builder.name(value)));
        return to_int64s(*builder.graph.value(value).constant);
    }
    const Node& node = builder.graph.node(id);
    if (!node.attributes.contains(std::string(attribute))) return std::nullopt;
    if (const auto* one = std::get_if<int64_t>(&node.attributes.at(std::string(attribute)))) return std::vector{*one};
    return graph::ints_attribute(node, attribute);
}

}  // namespace calotype::lower
