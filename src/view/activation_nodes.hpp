#pragma once

#include "npu/layer.hpp"
#include "view/builder.hpp"

namespace calotype::view {

/// The activation in reals, as ONNX nodes behind `x`.
ValueId add_activation(Builder& builder, const std::string& name, ValueId x, const npu::Activation& activation);

}  // namespace calotype::view
