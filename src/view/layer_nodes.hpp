#pragma once

#include "npu/layer.hpp"
#include "view/builder.hpp"

namespace calotype::view {

/// The layer in reals: `inputs` are dequantized tensors in the view's layout ([N, C, ...]), the result is what the
/// output's QuantizeLinear reads. The activation is not yet in it.
ValueId add_layer(Builder& builder, const npu::Network& network, const npu::Layer& layer,
                  const std::vector<ValueId>& inputs);

/// Transposes [N, C, spatial...] of a tensor of that rank (per sample) to channels last, and back.
ValueId channels_last(Builder& builder, const std::string& name, ValueId x, size_t rank);
ValueId channels_first(Builder& builder, const std::string& name, ValueId x, size_t rank);

}  // namespace calotype::view
