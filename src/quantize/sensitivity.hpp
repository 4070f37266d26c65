#pragma once

// What an error in a tensor costs those who read it.

#include <vector>

#include "npu/layer.hpp"

namespace calotype::quantize {

/// By tensor and channel: what an error of one square unit costs the readers, the sum of their squared weights, one
/// reader further where the first is depthwise.
std::vector<std::vector<double>> sensitivities(const npu::FloatNetwork& network);

}  // namespace calotype::quantize
