#pragma once

#include "npu/layer.hpp"
#include "view/builder.hpp"

namespace calotype::view {

/// DequantizeLinear of the codes by output channel; where a dense convolution absorbed input scales, a Mul by
/// max scale / scale[c] undoes it. `spatial` axes are shown.
ValueId add_conv_weights(Builder& builder, const npu::Layer& layer, const npu::Conv& conv,
                         const npu::Quantization& input, size_t spatial);
ValueId add_full_weights(Builder& builder, const npu::Layer& layer, const npu::FullyConnected& full,
                         const npu::Quantization& input);

/// The bias in reals.
ValueId add_bias(Builder& builder, const npu::Layer& layer, const npu::Quantization& input);

}  // namespace calotype::view
