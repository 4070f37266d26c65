#pragma once

// One random layer a seed: shapes, strides, padding, zero points, output stages and their extremes.

#include <random>
#include <string>
#include <vector>

#include "npu/layer.hpp"

namespace calotype::emulate {

struct LayerCase {
    npu::Network network;  // one layer
    std::vector<Dims> shapes;
    std::vector<std::vector<int8_t>> inputs;
    std::string text;  // what was made, for a failing test
};

/// `kind`: "conv", "grouped", "depthwise", "pointwise", "conv3d", "fully_connected", "max_pool", "average_pool",
/// "global_pool", "add", "mul", "scale", "requantize", "concat", "pad", "crop", "upsample", "space_to_depth",
/// "reorder", "reshape". The same seed makes the same case.
/// `grow` multiplies heights and widths, and the features of a fully connected layer.
LayerCase random_layer(const std::string& kind, uint32_t seed, int64_t grow = 1);

/// Every kind above.
const std::vector<std::string>& layer_kinds();

}  // namespace calotype::emulate
