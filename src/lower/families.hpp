#pragma once

// The families of nodes, one file each. Each function either adds the layer of the node or throws Declined.

#include <optional>

#include "lower/activations.hpp"
#include "lower/builder.hpp"

namespace calotype::lower {

using Family = void (*)(Builder& builder, NodeId id);

void lower_conv(Builder& builder, NodeId id);  // convolution.cpp
void lower_gemm(Builder& builder, NodeId id);  // fully_connected.cpp
void lower_matmul(Builder& builder, NodeId id);
void lower_pool(Builder& builder, NodeId id);  // pooling.cpp
void lower_global_pool(Builder& builder, NodeId id);
void lower_reduce(Builder& builder, NodeId id);
void lower_add(Builder& builder, NodeId id);  // elementwise.cpp
void lower_mul(Builder& builder, NodeId id);
void lower_batch_norm(Builder& builder, NodeId id);
void lower_neg(Builder& builder, NodeId id);
void lower_concat(Builder& builder, NodeId id);  // movement.cpp
void lower_pad(Builder& builder, NodeId id);
void lower_slice(Builder& builder, NodeId id);
void lower_gather(Builder& builder, NodeId id);
void lower_split(Builder& builder, NodeId id);
void lower_resize(Builder& builder, NodeId id);
void lower_space_to_depth(Builder& builder, NodeId id);
void lower_view(Builder& builder, NodeId id);  // layout.cpp
void lower_transpose(Builder& builder, NodeId id);
void lower_quantize(Builder& builder, NodeId id);  // quantization.cpp
void lower_dequantize(Builder& builder, NodeId id);

/// activations.cpp's match as part of the layer before it, or a layer of its own.
void lower_activation(Builder& builder, NodeId id, const ActivationMatch& match);

/// y = x * scale + offset per channel, as a 1x1 depthwise convolution; x keeps the order in which it lies.
void add_per_channel(Builder& builder, NodeId id, ValueId x, ValueId output, std::vector<float> scale,
                     std::vector<float> offset, const npu::Activation& activation = {});

/// The window's axes of a Conv or pool node: kernel, strides, dilations, pads or auto_pad, for these spatial sizes.
npu::Window window_of(const Builder& builder, NodeId id, const std::vector<int64_t>& kernel);

/// The axis counted from the front, from an axis that may count from the end; declines where it is the batch.
int64_t own_axis(const Builder& builder, int64_t axis, size_t rank);

/// The int64 constants of input `index`, or of the attribute of this name in older opsets; nothing where absent.
/// Declines where they are computed at run time.
std::optional<std::vector<int64_t>> integers(const Builder& builder, NodeId id, size_t index,
                                             std::string_view attribute);

}  // namespace calotype::lower
