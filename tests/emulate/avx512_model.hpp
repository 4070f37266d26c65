#pragma once

// A scalar model of the AVX-512 intrinsics that src/emulate/kernels/avx512 uses, after Intel's Intrinsics Guide, so
// that the kernels' logic is tested on processors without AVX-512. Lanes are 128 bits where the guide says so.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

// clang-format off: an intrinsic a line
struct __m512i { uint8_t b[64]; };
struct __m512 { float f[16]; };
struct __m128i { uint8_t b[16]; };

namespace model {

template <class T> T get(const __m512i& v, int i) { T x; std::memcpy(&x, v.b + i * static_cast<int>(sizeof(T)), sizeof(T)); return x; }
template <class T> void put(__m512i& v, int i, T x) { std::memcpy(v.b + i * static_cast<int>(sizeof(T)), &x, sizeof(T)); }
template <class T, class F> __m512i map2(const __m512i& a, const __m512i& b, F f) {
    __m512i out{};
    for (int i = 0; i < 64 / static_cast<int>(sizeof(T)); ++i) put<T>(out, i, static_cast<T>(f(get<T>(a, i), get<T>(b, i))));
    return out;
}
template <class T> __m512i all(T x) {
    __m512i out{};
    for (int i = 0; i < 64 / static_cast<int>(sizeof(T)); ++i) put<T>(out, i, x);
    return out;
}
// Interleaves the low (half 0) or high (half 1) halves of each 128-bit lane.
template <class T> __m512i unpack(const __m512i& a, const __m512i& b, int half) {
    constexpr int n = 16 / static_cast<int>(sizeof(T));
    __m512i out{};
    for (int lane = 0; lane < 4; ++lane)
        for (int i = 0; i < n / 2; ++i) {
            put<T>(out, lane * n + 2 * i, get<T>(a, lane * n + half * n / 2 + i));
            put<T>(out, lane * n + 2 * i + 1, get<T>(b, lane * n + half * n / 2 + i));
        }
    return out;
}
// Per 128-bit lane: a's values narrowed, then b's, saturating.
template <class From, class To> __m512i pack(const __m512i& a, const __m512i& b) {
    constexpr int n = 16 / static_cast<int>(sizeof(From));
    const auto narrow = [](From x) {
        const int64_t lo = -(int64_t{1} << (8 * sizeof(To) - 1));
        return static_cast<To>(std::clamp<int64_t>(x, lo, -lo - 1));
    };
    __m512i out{};
    for (int lane = 0; lane < 4; ++lane)
        for (int i = 0; i < n; ++i) {
            put<To>(out, lane * 2 * n + i, narrow(get<From>(a, lane * n + i)));
            put<To>(out, lane * 2 * n + n + i, narrow(get<From>(b, lane * n + i)));
        }
    return out;
}
inline int64_t sat16(int64_t x) { return std::clamp<int64_t>(x, -32768, 32767); }

}  // namespace model

inline __m512i _mm512_loadu_si512(const void* p) { __m512i v; std::memcpy(v.b, p, 64); return v; }
inline void _mm512_storeu_si512(void* p, __m512i v) { std::memcpy(p, v.b, 64); }
inline __m512 _mm512_loadu_ps(const void* p) { __m512 v; std::memcpy(v.f, p, 64); return v; }
inline __m128i _mm_loadu_si128(const __m128i* p) { __m128i v; std::memcpy(v.b, p, 16); return v; }
inline __m128i _mm_cvtsi32_si128(int x) { __m128i v{}; std::memcpy(v.b, &x, 4); return v; }
inline __m512i _mm512_broadcast_i32x4(__m128i x) { __m512i v; for (int i = 0; i < 4; ++i) std::memcpy(v.b + 16 * i, x.b, 16); return v; }
inline __m512i _mm512_set1_epi32(int32_t x) { return model::all<int32_t>(x); }
inline __m512i _mm512_set1_epi16(int16_t x) { return model::all<int16_t>(x); }
inline __m512i _mm512_set1_epi8(int8_t x) { return model::all<int8_t>(x); }
inline __m512 _mm512_set1_ps(float x) { __m512 v; std::fill_n(v.f, 16, x); return v; }
inline __m512i _mm512_xor_si512(__m512i a, __m512i b) { return model::map2<uint8_t>(a, b, [](int x, int y) { return x ^ y; }); }
inline __m512i _mm512_add_epi32(__m512i a, __m512i b) { return model::map2<uint32_t>(a, b, [](uint32_t x, uint32_t y) { return x + y; }); }
inline __m512i _mm512_sub_epi32(__m512i a, __m512i b) { return model::map2<uint32_t>(a, b, [](uint32_t x, uint32_t y) { return x - y; }); }
inline __m512i _mm512_mullo_epi32(__m512i a, __m512i b) { return model::map2<uint32_t>(a, b, [](uint32_t x, uint32_t y) { return x * y; }); }
inline __m512i _mm512_add_epi16(__m512i a, __m512i b) { return model::map2<uint16_t>(a, b, [](int x, int y) { return x + y; }); }
inline __m512i _mm512_sub_epi16(__m512i a, __m512i b) { return model::map2<uint16_t>(a, b, [](int x, int y) { return x - y; }); }
inline __m512i _mm512_adds_epi16(__m512i a, __m512i b) { return model::map2<int16_t>(a, b, [](int x, int y) { return model::sat16(x + y); }); }
inline __m512i _mm512_mulhrs_epi16(__m512i a, __m512i b) { return model::map2<int16_t>(a, b, [](int x, int y) { return (((x * y) >> 14) + 1) >> 1; }); }
inline __m512i _mm512_mullo_epi16(__m512i a, __m512i b) { return model::map2<int16_t>(a, b, [](int x, int y) { return x * y; }); }
inline __m512i _mm512_mulhi_epi16(__m512i a, __m512i b) { return model::map2<int16_t>(a, b, [](int x, int y) { return (x * y) >> 16; }); }
inline __m512i _mm512_sra_epi16(__m512i a, __m128i r) { const int n = std::min<int>(r.b[0], 15); return model::map2<int16_t>(a, a, [n](int x, int) { return x >> n; }); }
inline __m512i _mm512_srai_epi32(__m512i a, unsigned n) { return model::map2<int32_t>(a, a, [n](int x, int) { return x >> n; }); }
inline __m512i _mm512_max_epi8(__m512i a, __m512i b) { return model::map2<int8_t>(a, b, [](int x, int y) { return std::max(x, y); }); }
inline __m512i _mm512_min_epi8(__m512i a, __m512i b) { return model::map2<int8_t>(a, b, [](int x, int y) { return std::min(x, y); }); }
inline __m512i _mm512_add_epi8(__m512i a, __m512i b) { return model::map2<uint8_t>(a, b, [](int x, int y) { return x + y; }); }
inline __m512i _mm512_shuffle_epi8(__m512i table, __m512i index) {
    __m512i out{};
    for (int i = 0; i < 64; ++i) out.b[i] = index.b[i] & 0x80 ? uint8_t{0} : table.b[i / 16 * 16 + (index.b[i] & 15)];
    return out;
}
inline uint64_t _mm512_cmple_epi8_mask(__m512i a, __m512i b) {
    uint64_t mask = 0;
    for (int i = 0; i < 64; ++i) mask |= uint64_t{model::get<int8_t>(a, i) <= model::get<int8_t>(b, i)} << i;
    return mask;
}
inline __m512i _mm512_mask_add_epi8(__m512i src, uint64_t mask, __m512i a, __m512i b) {
    for (int i = 0; i < 64; ++i)
        if (mask >> i & 1) src.b[i] = static_cast<uint8_t>(a.b[i] + b.b[i]);
    return src;
}
inline __m512 _mm512_cvtepi32_ps(__m512i a) { __m512 v; for (int i = 0; i < 16; ++i) v.f[i] = static_cast<float>(model::get<int32_t>(a, i)); return v; }
inline __m512 _mm512_mul_ps(__m512 a, __m512 b) { for (int i = 0; i < 16; ++i) a.f[i] *= b.f[i]; return a; }
inline __m512 _mm512_min_ps(__m512 a, __m512 b) { for (int i = 0; i < 16; ++i) a.f[i] = a.f[i] < b.f[i] ? a.f[i] : b.f[i]; return a; }
inline __m512i _mm512_cvtps_epi32(__m512 a) {
    __m512i out{};
    for (int i = 0; i < 16; ++i) {
        const float x = std::nearbyint(a.f[i]);
        model::put<int32_t>(out, i, x >= 0x1p31F || x < -0x1p31F ? INT32_MIN : static_cast<int32_t>(x));
    }
    return out;
}
inline __m512i _mm512_packs_epi32(__m512i a, __m512i b) { return model::pack<int32_t, int16_t>(a, b); }
inline __m512i _mm512_packs_epi16(__m512i a, __m512i b) { return model::pack<int16_t, int8_t>(a, b); }
inline __m512i _mm512_unpacklo_epi8(__m512i a, __m512i b) { return model::unpack<uint8_t>(a, b, 0); }
inline __m512i _mm512_unpackhi_epi8(__m512i a, __m512i b) { return model::unpack<uint8_t>(a, b, 1); }
inline __m512i _mm512_unpacklo_epi16(__m512i a, __m512i b) { return model::unpack<uint16_t>(a, b, 0); }
inline __m512i _mm512_unpackhi_epi16(__m512i a, __m512i b) { return model::unpack<uint16_t>(a, b, 1); }
inline __m512i _mm512_permutexvar_epi32(__m512i index, __m512i a) {
    __m512i out{};
    for (int i = 0; i < 16; ++i) model::put<int32_t>(out, i, model::get<int32_t>(a, model::get<int32_t>(index, i) & 15));
    return out;
}
/// acc + sum of 4 products, unsigned bytes of a by signed bytes of b, without saturation.
inline __m512i _mm512_dpbusd_epi32(__m512i acc, __m512i a, __m512i b) {
    for (int i = 0; i < 16; ++i) {
        int32_t sum = 0;
        for (int k = 0; k < 4; ++k) sum += int32_t{a.b[4 * i + k]} * static_cast<int8_t>(b.b[4 * i + k]);
        model::put<uint32_t>(acc, i, model::get<uint32_t>(acc, i) + static_cast<uint32_t>(sum));
    }
    return acc;
}
// clang-format on
