#pragma once

// Weights rounded against what they are multiplied with.

#include <span>

#include "quantize/input_moments.hpp"

namespace calotype::quantize {

/// Codes of the weights that lower (W - sQ) H (W - sQ)^T, H the inputs' centred Gram matrix with 1 % damping: integer
/// coordinate descent from `codes` (nearest), three sweeps. weights [out, k] as the codes see them, scale [out].
void round_against_gram(const InputMoments& moments, std::span<const float> weights, std::span<const float> scale,
                        std::span<int8_t> codes);

}  // namespace calotype::quantize
