#pragma once

// Ranges wider than the samples': the largest values are not among few samples.

#include "quantize/scale_classes.hpp"
#include "quantize/statistics.hpp"

namespace calotype::quantize {

/// The factor on the range of a map of `values` a sample of which `samples` were seen: the one with the least expected
/// squared error on another sample, 1 where rounding `values` values more coarsely costs more than what it saves from
/// being clipped.
double headroom(double values, double samples);

/// That factor by group, which has as many values as its tensors in the mean.
std::vector<double> headroom(const npu::FloatNetwork& network, const ScaleClasses& classes,
                             const Statistics& statistics, int64_t samples);

}  // namespace calotype::quantize
