#pragma once

#include "npu/layer.hpp"
#include "view/builder.hpp"
#include "view/shown.hpp"

namespace calotype::view {

/// The layer's sum in reals, [N, C, ...]: neither rounded nor with its activation. Not for Reshape.
ValueId add_layer(Builder& builder, const npu::Network& network, const npu::Layer& layer,
                  const std::vector<Shown>& inputs);

/// A Reshape layer on codes.
ValueId add_reshape(Builder& builder, const npu::Network& network, const npu::Layer& layer, ValueId codes);

/// Transposes [N, C, spatial...] of a tensor of that rank (per sample) to channels last, and back.
ValueId channels_last(Builder& builder, const std::string& name, ValueId x, size_t rank);
ValueId channels_first(Builder& builder, const std::string& name, ValueId x, size_t rank);

}  // namespace calotype::view
