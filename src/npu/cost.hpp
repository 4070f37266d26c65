#pragma once

#include "npu/config.hpp"
#include "npu/layer.hpp"

namespace calotype::npu {

struct Cost {
    int64_t macs = 0;
    int64_t moved_bytes = 0;  ///< weights from DDR, activations through the memory tiles
    int64_t cycles = 0;
    bool bandwidth_bound = false;
    double utilisation = 0;  ///< macs over what the whole array could do in these cycles
};

/// Predicted cost of one layer. Transfers overlap with compute: the longer of the two counts, and the start of the
/// layer. An activation map beyond the memory tiles goes over DDR.
Cost cost(const Attributes& attributes, const std::vector<Dims>& inputs, const Dims& output, Precision precision,
          const Config& config);

}  // namespace calotype::npu
