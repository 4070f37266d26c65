#include "npu/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace calotype::npu {
namespace {

/// What an attribute says beyond its default.
struct AttributeText {
    static std::string axis(const char* name, const Axis& a) {
        if (a == Axis{}) return "";
        std::string text = fmt::format(" {}=kernel {}", name, a.kernel);
        if (a.stride != 1) text += fmt::format(" stride {}", a.stride);
        if (a.dilation != 1) text += fmt::format(" dilation {}", a.dilation);
        if (a.pad_before != 0 || a.pad_after != 0) text += fmt::format(" pads {},{}", a.pad_before, a.pad_after);
        return text;
    }
    static std::string axes(const Axis& depth, const Axis& height, const Axis& width) {
        return axis("depth", depth) + axis("height", height) + axis("width", width);
    }

    std::string operator()(const Conv& conv) const {
        const std::string groups = conv.groups > 1 ? fmt::format(" groups={}", conv.groups) : "";
        return fmt::format(" {}->{}{}", conv.in_channels, conv.out_channels, groups) +
               axes(conv.window.depth, conv.window.height, conv.window.width);
    }
    std::string operator()(const FullyConnected& full) const {
        return fmt::format(" {}->{}", full.in_features, full.out_features);
    }
    std::string operator()(const Pool& pool) const {
        return pool.global ? " global" : axes(pool.window.depth, pool.window.height, pool.window.width);
    }
    std::string operator()(const Concat& concat) const { return fmt::format(" axis={}", concat.axis); }
    std::string operator()(const Pad& pad) const {
        return fmt::format(" channels={},{}", pad.channels_before, pad.channels_after) +
               axes(pad.depth, pad.height, pad.width);
    }
    std::string operator()(const Crop& crop) const {
        // depth, height, width, channels
        return fmt::format(" first={} end={} step={}", crop.first, crop.end, crop.step);
    }
    std::string operator()(const Upsample& upsample) const {
        if (upsample.like != TensorId::none) return fmt::format(" like t{}", index_of(upsample.like));
        return fmt::format(" {}x{}", upsample.factor_height, upsample.factor_width);
    }
    std::string operator()(const SpaceToDepth& space) const { return fmt::format(" block={}", space.block); }
    template <class NoAttributes>
    std::string operator()(const NoAttributes&) const {
        return "";
    }
};

std::string activation_text(const Activation& activation) {
    if (activation.kind == ActivationKind::none) return "";
    if (activation.kind == ActivationKind::clamp) return fmt::format(" clamp[{}, {}]", activation.lo, activation.hi);
    return " " + name_of(activation.kind);
}

std::string tensor_text(const FloatTensor& tensor) { return fmt::format("{}", tensor.shape); }
std::string tensor_text(const CodeTensor& tensor) {
    const Quantization& q = tensor.quantization;
    double lo = 0, hi = 0;
    for (size_t c = 0; c < q.scale.size(); ++c) {
        const double scale = q.scale[c], zero_point = q.zero_point_of(static_cast<int64_t>(c));
        lo = std::min(lo, scale * (-128 - zero_point));
        hi = std::max(hi, scale * (127 - zero_point));
    }
    const std::string scales = q.per_channel() ? fmt::format("{} scales", q.scale.size())
                                               : fmt::format("scale {} zero_point {}", q.scale[0], q.zero_point[0]);
    return fmt::format("{} {} [{:.6g}, {:.6g}]", tensor.shape, scales, lo, hi);
}

std::string stage_text(const FloatLayer&) { return ""; }
std::string stage_text(const Layer& layer) {
    if (std::holds_alternative<Requantization>(layer.stage)) return " requantize";
    if (const auto* table = std::get_if<PiecewiseLinear>(&layer.stage))
        return fmt::format(" piecewise({} segments, r={})", table->slope.size(), table->r);
    if (const auto* add = std::get_if<AddArithmetic>(&layer.stage)) return fmt::format(" add(r={})", add->r);
    return "";
}

template <class SomeNetwork>
std::string network_text(const SomeNetwork& network) {
    const auto tensor = [&](TensorId id) {
        const auto& t = network.tensors.at(static_cast<size_t>(id));
        return fmt::format("t{} {} `{}`", static_cast<int32_t>(id), tensor_text(t), t.value);
    };
    const auto number = [](TensorId id) { return fmt::format("t{}", static_cast<int32_t>(id)); };
    std::string text;
    for (const Placement& input : network.inputs) text += fmt::format("in  {}\n", tensor(input.tensor));
    for (size_t t = 0; t < network.tensors.size(); ++t)
        if (!network.tensors[t].constant.empty()) text += fmt::format("con {}\n", tensor(static_cast<TensorId>(t)));
    for (size_t i = 0; i < network.layers.size(); ++i) {
        const auto& layer = network.layers[i];
        std::vector<std::string> inputs;
        for (const TensorId id : layer.inputs) inputs.push_back(number(id));
        text += fmt::format("{:4} {}{}{}{} ( {} ) -> {}  # {}\n", i, kind_name(layer.attributes),
                            std::visit(AttributeText{}, layer.attributes), activation_text(layer.activation),
                            stage_text(layer), fmt::join(inputs, " "), tensor(layer.output),
                            fmt::join(layer.sources, ", "));
    }
    for (const Placement& output : network.outputs) text += fmt::format("out {}\n", tensor(output.tensor));
    return text;
}

}  // namespace

std::string to_text(const FloatNetwork& network) { return network_text(network); }
std::string to_text(const Network& network) { return network_text(network); }

std::string to_text(const Program& program, const Network& network) {
    std::string text = fmt::format("{} cycles, {} MACs, {} bytes of activations (lower bound {})\n", program.cycles,
                                   program.macs, program.arena_bytes, program.lower_bound_bytes);
    for (const Step& step : program.steps) {
        const Layer& layer = network.layers.at(static_cast<size_t>(step.layer));
        const Span& place = program.placement.at(static_cast<size_t>(layer.output));
        text += fmt::format("{:4} {} {} cycles{}, {} MACs, {} bytes moved -> t{} at {} + {}  # {}\n", step.layer,
                            kind_name(layer.attributes), step.cycles, step.bandwidth_bound ? " (bandwidth)" : "",
                            step.macs, step.moved_bytes, static_cast<int32_t>(layer.output), place.offset_bytes,
                            place.size_bytes, layer.name);
    }
    return text;
}

}  // namespace calotype::npu
