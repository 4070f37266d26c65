#include "view/weights.hpp"

#include <algorithm>

#include "npu/arithmetic.hpp"

namespace calotype::view {
namespace {

ValueId dequantized(Builder& builder, const npu::Layer& layer, Dims dims) {
    const std::string name = layer.name + "/weights";
    const ValueId codes = builder.constant(name + "/codes", Tensor::of<int8_t>(std::move(dims), layer.weights));
    const ValueId scale =
        builder.floats(name + "/scale", {static_cast<int64_t>(layer.weight_scale.size())}, layer.weight_scale);
    return builder.node("DequantizeLinear", name, {codes, scale}, {{"axis", int64_t{0}}});
}

float largest_scale(const npu::Quantization& input) {
    return *std::max_element(input.scale.begin(), input.scale.end());
}

/// max scale / scale[c] of the channels that begin at `first`.
std::vector<float> undone(const npu::Quantization& input, size_t first, size_t count) {
    std::vector<float> factors(count);
    for (size_t c = 0; c < count; ++c)
        factors[c] = static_cast<float>(double{largest_scale(input)} / double{input.scale[first + c]});
    return factors;
}

}  // namespace

ValueId add_conv_weights(Builder& builder, const npu::Layer& layer, const npu::Conv& conv,
                         const npu::Quantization& input, size_t spatial) {
    // [out, kd, kh, kw, in / groups] in the network, [out, in / groups, ...] in ONNX
    const int64_t ins = conv.in_channels / conv.groups, taps = conv.window.taps();
    npu::Layer shown = layer;
    for (int64_t out = 0; out < conv.out_channels; ++out)
        for (int64_t tap = 0; tap < taps; ++tap)
            for (int64_t in = 0; in < ins; ++in)
                shown.weights[static_cast<size_t>((out * ins + in) * taps + tap)] =
                    layer.weights[static_cast<size_t>((out * taps + tap) * ins + in)];
    const Dims kernel{conv.window.depth.kernel, conv.window.height.kernel, conv.window.width.kernel};
    Dims dims{conv.out_channels, ins};
    dims.insert(dims.end(), kernel.end() - static_cast<std::ptrdiff_t>(spatial), kernel.end());
    const ValueId weights = dequantized(builder, shown, dims);
    if (!input.per_channel() || conv.depthwise()) return weights;

    // Each output channel reads the input channels of its group, so a grouped layer's factors differ by output channel.
    std::vector<float> factors;
    Dims factor_dims(dims.size(), 1);
    factor_dims[1] = ins;
    if (conv.groups == 1) {
        factors = undone(input, 0, static_cast<size_t>(ins));
    } else {
        factor_dims[0] = conv.out_channels;
        for (int64_t out = 0; out < conv.out_channels; ++out) {
            const int64_t group = out / (conv.out_channels / conv.groups);
            const auto part = undone(input, static_cast<size_t>(group * ins), static_cast<size_t>(ins));
            factors.insert(factors.end(), part.begin(), part.end());
        }
    }
    return builder.node("Mul", layer.name + "/input_scales",
                        {weights, builder.floats(layer.name + "/input_scales", factor_dims, factors)});
}

ValueId add_full_weights(Builder& builder, const npu::Layer& layer, const npu::FullyConnected& full,
                         const npu::Quantization& input) {
    const ValueId weights = dequantized(builder, layer, {full.out_features, full.in_features});
    if (!input.per_channel()) return weights;
    std::vector<float> factors;  // channels are the last axis of the memory order
    const auto channels = undone(input, 0, input.scale.size());
    while (static_cast<int64_t>(factors.size()) < full.in_features)
        factors.insert(factors.end(), channels.begin(), channels.end());
    return builder.node("Mul", layer.name + "/input_scales",
                        {weights, builder.floats(layer.name + "/input_scales", {1, full.in_features}, factors)});
}

ValueId add_bias(Builder& builder, const npu::Layer& layer, const npu::Quantization& input) {
    std::vector<float> bias;
    const std::vector<double> steps = npu::sum_scale(layer, input);
    for (size_t out = 0; out < steps.size(); ++out) bias.push_back(static_cast<float>(layer.bias[out] * steps[out]));
    return builder.floats(layer.name + "/bias", {static_cast<int64_t>(bias.size())}, bias);
}

}  // namespace calotype::view
