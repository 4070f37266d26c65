#pragma once

// Ranges wider than the samples': the largest values are not among few samples.

#include "quantize/scale_classes.hpp"

namespace calotype::quantize {

/// Factor on each group's range, by a rule of the number of samples: more at the network's end, where rare large values are the
/// answer itself. What was tried in its place: docs/accuracy.md.
std::vector<double> headroom(const npu::FloatNetwork& network, const ScaleClasses& classes, int64_t samples);

}  // namespace calotype::quantize
