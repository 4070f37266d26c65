#pragma once

// The integer steps of docs/arithmetic.md, one value at a time.

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace calotype::npu {

inline int16_t saturate16(int32_t x) { return static_cast<int16_t>(std::clamp(x, -32768, 32767)); }

/// (a * b + 2^14) >> 15.
inline int32_t mulr(int32_t a, int32_t b) { return (a * b + (1 << 14)) >> 15; }

inline int32_t half(int32_t r) { return (1 << r) >> 1; }

/// Pixels whose sum of q - zero point, of at most 255 each, an int32 surely holds: the largest window of a pool.
constexpr int64_t kMostPoolTaps = 1 << 23;

inline int8_t clamp8(int32_t x, int32_t lo, int32_t hi) { return static_cast<int8_t>(std::clamp(x, lo, hi)); }

/// What a boundary multiplies reals with: float32(1 / scale).
inline float coefficient_of(float scale) { return static_cast<float>(1.0 / double{scale}); }

/// RNE(clamp(float32(acc) * m, lo - zero_point, hi - zero_point)) + zero_point.
inline int8_t requantize(int32_t acc, float m, int32_t zero_point, int32_t lo, int32_t hi) {
    const float scaled = static_cast<float>(acc) * m;
    const float bounded = std::clamp(scaled, static_cast<float>(lo - zero_point), static_cast<float>(hi - zero_point));
    return static_cast<int8_t>(static_cast<int32_t>(std::nearbyint(bounded)) + zero_point);
}

/// sat16(RNE(float32(acc) * m16)).
inline int16_t presum16(int32_t acc, float m16) {
    const float bounded = std::clamp(static_cast<float>(acc) * m16, -32768.0F, 32767.0F);
    return static_cast<int16_t>(std::nearbyint(bounded));
}

}  // namespace calotype::npu
