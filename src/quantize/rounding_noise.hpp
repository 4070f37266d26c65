#pragma once

// The error that codes make of reals.

#include <span>
#include <vector>

#include "quantize/range.hpp"

namespace calotype::quantize {

/// By channel: sum of (code's real - x)^2 over x, whose last axis is the channels. codes [channels].
std::vector<double> rounding_noise(std::span<const float> x, std::span<const Code> codes);

}  // namespace calotype::quantize
