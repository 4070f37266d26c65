#pragma once

// Real scales to the integer constants of the output stages (docs/arithmetic.md). All scale arithmetic is float64 and
// rounded once to what the snapshot stores.

#include <limits>
#include <span>
#include <vector>

#include "npu/layer.hpp"

namespace calotype::npu {

/// Bounds in reals of what a layer writes; open sides are infinite.
struct RealBounds {
    double lo = -std::numeric_limits<double>::infinity();
    double hi = std::numeric_limits<double>::infinity();
};
/// The bounds that a clamp sets; open for every other kind.
RealBounds bounds_of(const Activation& activation);

/// int8 weights, int32 bias and the scale per output channel: acc * scale_in * scale = real.
struct QuantizedWeights {
    std::vector<int8_t> weights;  // [out, k]
    std::vector<int32_t> bias;    // [out]
    std::vector<float> scale;     // [out]
};

/// scale_in as readers see it: [1] the largest input scale of a dense convolution or FC (which absorbs the rest into
/// its weights), or one an output channel for a depthwise convolution over an input of several scales.
std::vector<double> input_scale(const Attributes& attributes, const Quantization& input);

/// Weights [out, kd, kh, kw, in / groups] of a dense or grouped Conv, or [out, in] of an FC, times
/// scale_in[channel] / max scale_in. Nothing changes where the input has one scale or the layer is depthwise.
void absorb_input_scales(std::span<float> weights, const Attributes& attributes, const Quantization& input);

/// What one unit of the layer's sum is worth, by output channel: scale_in * weight_scale.
std::vector<double> sum_scale(const Layer& layer, const Quantization& input);

/// The weights' scale of one output channel: max(max|w| / 127, |bias| / (scale_in * 2^30)), 1 where both are zero,
/// doubled until |bias code| + 255 * sum |weight code| stays below 2^31.
float weight_scale(std::span<const float> weights, float bias, double scale_in);

/// Every weight to its nearest code. `weights` are [out, k] with input scales already absorbed; scale_in has one entry
/// or one an output channel.
QuantizedWeights quantize_weights(std::span<const float> weights, std::span<const float> bias,
                                  std::span<const double> scale_in);

/// RNE(bias / (scale_in * weight_scale)), kept within int32.
int32_t bias_code(double bias, double scale_in, double weight_scale);

/// m = scale_in * weight_scale / output scale. scale_in and weight_scale have one entry or one an output channel.
Requantization make_requantization(std::span<const double> scale_in, std::span<const float> weight_scale,
                                   const Quantization& output, RealBounds bounds = {});

/// The least output scale that keeps Add within its arithmetic: max(scale_a, scale_b) / 8 for each channel.
std::vector<float> least_add_scale(const Quantization& a, const Quantization& b);
/// Throws Error ARITHMETIC_SCALE where an output scale is below 1/128 of an input's: no r is left.
AddArithmetic make_add(const Quantization& a, const Quantization& b, const Quantization& output,
                       RealBounds bounds = {});

/// m = scale_a * scale_b / output scale.
Requantization make_mul(const Quantization& a, const Quantization& b, const Quantization& output,
                        RealBounds bounds = {});

/// m = scale_in / output scale: a Requantize layer.
Requantization make_requantize(const Quantization& input, const Quantization& output, RealBounds bounds = {});

/// m = scale_in / (output scale * taps): an average pool of a fixed window.
Requantization make_average_pool(const Quantization& input, const Quantization& output, int64_t taps,
                                 RealBounds bounds = {});

/// Fills layer.pool_k, pool_channel_k and layer.stage (bounds and zero points; m for `pixels`) of a global average
/// pool.
void set_global_average_pool(Layer& layer, const Quantization& input, const Quantization& output, int64_t pixels,
                             RealBounds bounds = {});
/// The stage of a global average pool for a map of `pixels`: m = float32(k / pixels).
Requantization global_average_stage(const Layer& layer, int64_t pixels);

}  // namespace calotype::npu
