#pragma once

#include <string>

#include "npu/layer.hpp"

namespace calotype::snapshot {

/// One scale, or one a channel; scales above zero, zero points that are codes. Throws Error SNAPSHOT_DAMAGED.
void check_quantization(const npu::Quantization& quantization, int64_t channels, const std::string& where);

/// The output stage fits the layer's kind and `channels`, and no table or shift leaves its bounds.
void check_stage(const npu::Layer& layer, int64_t channels, const std::string& where);

}  // namespace calotype::snapshot
