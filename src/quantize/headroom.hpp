#pragma once

// Ranges wider than the samples': the largest values are not among few samples.

#include "quantize/scale_classes.hpp"

namespace calotype::quantize {

/// Factor on each group's range, by a rule of the number of samples.
std::vector<double> headroom(const npu::FloatNetwork& network, const ScaleClasses& classes, int64_t samples);

}  // namespace calotype::quantize
