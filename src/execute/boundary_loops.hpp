#pragma once

// The loops of a boundary with one scale (docs/arithmetic.md, Boundary), by the best instructions there are.

#include <cstdint>

namespace calotype::execute {

/// A boundary whose tensor has one scale; type_lo and type_hi bound what its type holds.
struct OneScale {
    float coefficient, lo, hi, type_lo, type_hi;
    int32_t zero_point;
};

// 1.5 * 2^23: added to a float of at most 2^22, its last bits are that float rounded to nearest even. Needs no SSE4.1.
constexpr float kRounder = 12582912.0F;

/// RNE(clamp(real * coefficient, lo, hi)) + zero_point; NaN gives zero_point.
int8_t code_of(float real, float coefficient, float lo, float hi, int32_t zero_point);

/// code_of each; returns how many break the type: NaN, and where `whole` fractions and what lies outside its bounds.
int64_t reals_to_codes(const float* reals, int8_t* codes, int64_t count, const OneScale& scale, bool whole);

/// pixels[p][c] = planes[c][p], of 3 or 4 channels.
void planes_to_pixels(const int8_t* planes, int8_t* pixels, int64_t count, int64_t channels);

}  // namespace calotype::execute
