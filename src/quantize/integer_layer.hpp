#pragma once

// One FloatLayer as an integer Layer, its tensors' scales given.

#include <optional>
#include <span>
#include <vector>

#include "npu/arithmetic.hpp"

namespace calotype::quantize {

/// Whether a table of line segments computes it.
bool is_piecewise(const npu::Activation& activation);
/// Conv and FullyConnected.
bool has_weights(const npu::Attributes& attributes);

/// All of the layer but weights and bias; a Conv or FC gets its weights to the nearest code and a stage that fits them.
/// `tensors` hold the scales and shapes; `own` weights and biases are taken as they are.
npu::Layer integer_layer(const npu::FloatLayer& layer, std::span<const npu::CodeTensor> tensors,
                         std::optional<npu::QuantizedWeights> own = {});

/// Replaces the bias, in reals per output channel.
void set_bias(npu::Layer& layer, std::span<const npu::CodeTensor> tensors, std::span<const double> bias);
/// scale_in * weight_scale per output channel: what one unit of the sum is worth.
std::vector<double> sum_scale(const npu::Layer& layer, std::span<const npu::CodeTensor> tensors);
/// The weights as the codes see them (input scales absorbed).
std::vector<float> absorbed_weights(const npu::FloatLayer& layer, std::span<const npu::CodeTensor> tensors);

/// Largest error of a piecewise-linear layer's table, in codes; 0 for other layers.
double table_error(const npu::Layer& layer, std::span<const npu::CodeTensor> tensors);

}  // namespace calotype::quantize
