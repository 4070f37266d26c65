#pragma once

// The NPU's rounding as ONNX functions, so that the view shows one node where the arithmetic takes several.

#include "graph/graph.hpp"

namespace calotype::view {

inline constexpr const char* kDomain = "calotype";
inline constexpr const char* kQuantize = "Quantize";
inline constexpr const char* kRequantize = "Requantize";
inline constexpr const char* kAdd = "Add";

/// The function of that name:
/// - Quantize(x, coefficient, scale) = round(x * coefficient) * scale: what an NPU subgraph reads, coefficient =
///   float32(1 / scale). A value half way between two codes falls otherwise where x is divided by the scale.
/// - Requantize(x, step, m, scale) = round(round(x / step) * m) * scale: x is a layer's sum in reals, step one unit of
///   the NPU's int32 sum, m the multiplier that makes an output code of it, scale the output's.
/// - Add(a, b, scale_a, scale_b, factor_a, factor_b, step) = (term(a) + term(b) + 1/2) * step, term(x) =
///   round(round(x / scale) * factor + 2^-9): the NPU adds int16 terms in units of `step`, 2^-r of an output code, and
///   the factors are multiples of 2^-8. The 2^-9 and 1/2 turn ties upwards, where round would take the even.
/// - any other name, an activation that the NPU computes by pieces of lines:
///   f(x, step, m, slope, intercept, factor, shift, lo, hi, scale) = clamp(up(up(y16 * factor) * shift), lo, hi) *
///   scale, y16 = up(slope[b] * pre) + intercept[b], pre = round(round(x / step) * m) within int16, b its upper byte +
///   128, up(v) = floor(v + 1/2), products in float64. slope and intercept have 256 entries.
graph::Function function_of(const std::string& name);

}  // namespace calotype::view
