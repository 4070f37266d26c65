#include "execute/boundary_loops.hpp"

#include <bit>

#include "base/cpu.hpp"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace calotype::execute {
namespace {

int64_t reals_to_codes_scalar(const float* reals, int8_t* codes, int64_t count, const OneScale& s) {
    int64_t broken = 0;
    for (int64_t i = 0; i < count; ++i) {
        codes[i] = code_of(reals[i], s.coefficient, s.lo, s.hi, s.zero_point);
        broken += breaks(reals[i], s.type) ? 1 : 0;
    }
    return broken;
}

#if defined(__x86_64__)
#pragma GCC push_options
#pragma GCC target("avx2")
// g++ 12 leaves the loop above scalar: comparisons might trap.
template <bool kWhole>
int64_t reals_to_codes_avx2(const float* reals, int8_t* codes, int64_t count, const OneScale& s) {
    const __m256 coefficient = _mm256_set1_ps(s.coefficient), lo = _mm256_set1_ps(s.lo), hi = _mm256_set1_ps(s.hi);
    const __m256 type_lo = _mm256_set1_ps(s.type.lo), type_hi = _mm256_set1_ps(s.type.hi);
    const __m256i zero_point = _mm256_set1_epi32(s.zero_point), order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    int64_t broken = 0, i = 0;
    for (; i + 32 <= count; i += 32) {
        __m256i code[4];
        for (int k = 0; k < 4; ++k) {
            const __m256 x = _mm256_loadu_ps(reals + i + 8 * k), scaled = _mm256_mul_ps(x, coefficient);
            const __m256 real = _mm256_and_ps(scaled, _mm256_cmp_ps(scaled, scaled, _CMP_ORD_Q));  // NaN becomes 0
            code[k] = _mm256_add_epi32(_mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(real, lo), hi)), zero_point);
            __m256 bad = _mm256_or_ps(_mm256_cmp_ps(x, type_lo, _CMP_NGE_UQ), _mm256_cmp_ps(x, type_hi, _CMP_NLE_UQ));
            if constexpr (kWhole) {
                const __m256 rounded = _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
                bad = _mm256_or_ps(bad, _mm256_cmp_ps(rounded, x, _CMP_NEQ_UQ));
            }
            if (const int mask = _mm256_movemask_ps(bad); mask != 0)
                broken += __builtin_popcount(static_cast<unsigned>(mask));
        }
        const __m256i packed =
            _mm256_packs_epi16(_mm256_packs_epi32(code[0], code[1]), _mm256_packs_epi32(code[2], code[3]));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(codes + i), _mm256_permutevar8x32_epi32(packed, order));
    }
    return broken + reals_to_codes_scalar(reals + i, codes + i, count - i, s);
}
#pragma GCC pop_options
#endif

template <int kChannels>
void interleave(const int8_t* planes, int8_t* pixels, int64_t count) {
    for (int64_t p = 0; p < count; ++p)
        for (int c = 0; c < kChannels; ++c) pixels[p * kChannels + c] = planes[c * count + p];
}

}  // namespace

int8_t code_of(float real, float coefficient, float lo, float hi, int32_t zero_point) {
    float scaled = real * coefficient;
    scaled = scaled < lo ? lo : scaled;  // NaN passes both
    scaled = scaled > hi ? hi : scaled;
    scaled = scaled == scaled ? scaled : 0.0F;
    const auto rounded = std::bit_cast<int32_t>(scaled + kRounder) - std::bit_cast<int32_t>(kRounder);
    return static_cast<int8_t>(rounded + zero_point);
}

int64_t reals_to_codes(const float* reals, int8_t* codes, int64_t count, const OneScale& scale) {
#if defined(__x86_64__)
    static const bool has_avx2 = cpu::has_avx2();
    if (has_avx2)
        return scale.type.whole ? reals_to_codes_avx2<true>(reals, codes, count, scale)
                                : reals_to_codes_avx2<false>(reals, codes, count, scale);
#endif
    return reals_to_codes_scalar(reals, codes, count, scale);
}

void planes_to_pixels(const int8_t* planes, int8_t* pixels, int64_t count, int64_t channels) {
    channels == 3 ? interleave<3>(planes, pixels, count) : interleave<4>(planes, pixels, count);
}

}  // namespace calotype::execute
