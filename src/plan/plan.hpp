#pragma once

#include "base/deadline.hpp"
#include "npu/config.hpp"
#include "npu/layer.hpp"
#include "npu/program.hpp"

namespace calotype::plan {

/// Order, memory placement and cycles. `input_shapes` has one shape an input of the network, per sample, channels last;
/// empty stands for those the network was made for. Throws Error LAYER_SHAPE or LAYER_LIMIT where a layer cannot work
/// on them, and as the deadline does.
npu::Program plan(const npu::Network& network, const npu::Config& config, const std::vector<Dims>& input_shapes = {},
                  const Deadline& deadline = {});
/// The same before quantization, all layers in INT8.
npu::Program plan(const npu::FloatNetwork& network, const npu::Config& config,
                  const std::vector<Dims>& input_shapes = {}, const Deadline& deadline = {});

}  // namespace calotype::plan
