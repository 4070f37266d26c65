#pragma once

// A range of reals and the scale and zero point that hold it.

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace calotype::quantize {

struct Range {
    double lo = 0, hi = 0;  ///< holds zero
    void include(double x) {
        lo = std::min(lo, x);
        hi = std::max(hi, x);
    }
    void include(const Range& other) {
        lo = std::min(lo, other.lo);
        hi = std::max(hi, other.hi);
    }
    double width() const { return hi - lo; }
};

struct Code {
    float scale = 1;
    int32_t zero_point = 0;
    friend bool operator==(const Code&, const Code&) = default;
};

/// The finest code that reaches both ends: 255 steps, zero on a code.
inline Code code_of(const Range& range) {
    const double lo = std::min(range.lo, 0.0), hi = std::max(range.hi, 0.0);
    const double scale = (hi - lo) / 255;
    if (!(scale > 1e-30)) return {1, -128};
    const auto zero_point = static_cast<int32_t>(std::nearbyint(-128 - lo / scale));
    return {static_cast<float>(scale), std::clamp(zero_point, -128, 127)};
}

}  // namespace calotype::quantize
