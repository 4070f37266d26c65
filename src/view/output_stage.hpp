#pragma once

#include "npu/layer.hpp"
#include "view/builder.hpp"

namespace calotype::view {

/// `y`, a layer's sum in reals, rounded to the output's codes as the NPU rounds it, still in reals. `y` itself where
/// the layer does not requantize.
ValueId add_requantization(Builder& builder, const npu::Network& network, const npu::Layer& layer, ValueId y);

/// The NPU's Add of two tensors in reals.
ValueId add_sum(Builder& builder, const npu::Network& network, const npu::Layer& layer,
                const std::vector<ValueId>& inputs);

}  // namespace calotype::view
