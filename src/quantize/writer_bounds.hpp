#pragma once

// What the writers of a class of channels can make at all.

#include "quantize/range.hpp"
#include "quantize/scale_classes.hpp"

namespace calotype::quantize {

/// By slot: what the writers' activations never go beyond. Open where a class has no writer: the zeros of a Pad.
std::vector<Range> bounds_of_writers(const npu::FloatNetwork& network, const ScaleClasses& classes);

}  // namespace calotype::quantize
