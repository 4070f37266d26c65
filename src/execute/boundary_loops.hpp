#pragma once

// The loops of a boundary with one scale (docs/arithmetic.md, Boundary), by the best instructions there are.

#include <cstdint>

namespace calotype::execute {

/// What a boundary's reals may be without being told of.
struct RealType {
    float lo, hi;
    bool whole;  ///< whole numbers alone
};

/// A boundary whose tensor has one scale.
struct OneScale {
    float coefficient, lo, hi;
    int32_t zero_point;
    RealType type;
};

// 1.5 * 2^23: added to a float of at most 2^22, its last bits are that float rounded to nearest even. Needs no SSE4.1.
constexpr float kRounder = 12582912.0F;

/// RNE(clamp(real * coefficient, lo, hi)) + zero_point; NaN gives zero_point.
int8_t code_of(float real, float coefficient, float lo, float hi, int32_t zero_point);

/// NaN breaks any type.
inline bool breaks(float x, const RealType& type) {
    return !(x >= type.lo && x <= type.hi) || (type.whole && (x + kRounder) - kRounder != x);
}

/// code_of each; returns how many break the type.
int64_t reals_to_codes(const float* reals, int8_t* codes, int64_t count, const OneScale& scale);

/// pixels[p][c] = planes[c][p], of 3 or 4 channels.
void planes_to_pixels(const int8_t* planes, int8_t* pixels, int64_t count, int64_t channels);

}  // namespace calotype::execute
