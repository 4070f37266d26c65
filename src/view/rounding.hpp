#pragma once

// The NPU's rounding between a value and its QuantizeLinear.

#include "npu/layer.hpp"
#include "view/builder.hpp"
#include "view/shown.hpp"

namespace calotype::view {

/// `x`, what a subgraph reads as a tensor, rounded to the tensor's codes as the runtime rounds it, still in reals.
ValueId add_quantization(Builder& builder, const std::string& name, const npu::CodeTensor& tensor, ValueId x);

/// `y`, a layer's sum in reals, rounded to the output's codes as the NPU rounds it, still in reals; with the activation
/// where that is piecewise linear. `y` itself where the layer has no such output stage.
ValueId add_rounding(Builder& builder, const npu::Network& network, const npu::Layer& layer, ValueId y);

/// The NPU's Add of two tensors in reals.
ValueId add_sum(Builder& builder, const npu::Network& network, const npu::Layer& layer,
                const std::vector<Shown>& inputs);

}  // namespace calotype::view
