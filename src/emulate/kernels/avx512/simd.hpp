// The words of the generic kernels in AVX-512 with VNNI. Included inside the target region and namespace of
// kernels.cpp, and by a test over a scalar model of the intrinsics used here. See avx2/simd.hpp for what a block is.

using Wide = __m512i;
using Words = __m512i;
using Bytes = __m512i;
using Floats = __m512;

constexpr int kLanes = 16;          // int32 of a Wide
constexpr int kBlock = 4 * kLanes;  // codes of a block
constexpr int kTaps = 4;            // elements of the panel that one dot-product step adds up
using Elem = uint8_t;               // vpdpbusd multiplies unsigned by signed: the panel holds code + 128
using TapWeight = int8_t;
constexpr int32_t kElemOffset = 128;

// Tiles of the inner loops that fit 32 registers: widths of dense ones in wides of output channels, widest first; wides
// of the largest; blocks of depthwise ones.
constexpr int kTileVectors[] = {4, 2, 1};
constexpr int kTileSums = 24;
constexpr int tile_pixels(int vectors) { return vectors == 4 ? 6 : vectors == 2 ? 12 : 16; }
constexpr int kDepthwiseBlocks = 4;

inline Wide load_wide(const int32_t* p) { return _mm512_loadu_si512(p); }
inline void store_wide(int32_t* p, Wide v) { _mm512_storeu_si512(p, v); }
inline Words load_words(const int16_t* p) { return _mm512_loadu_si512(p); }
inline Bytes load_bytes(const int8_t* p) { return _mm512_loadu_si512(p); }
inline void store_bytes(int8_t* p, Bytes v) { _mm512_storeu_si512(p, v); }
inline Floats load_floats(const float* p) { return _mm512_loadu_ps(p); }
inline Bytes table16(const int8_t* p) {
    return _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}

inline Wide set_wide(int32_t x) { return _mm512_set1_epi32(x); }
inline Words set_words(int16_t x) { return _mm512_set1_epi16(x); }
inline Bytes set_bytes(int8_t x) { return _mm512_set1_epi8(x); }

inline Wide add_wide(Wide a, Wide b) { return _mm512_add_epi32(a, b); }
inline Wide sub_wide(Wide a, Wide b) { return _mm512_sub_epi32(a, b); }
inline Wide mul_wide(Wide a, Wide b) { return _mm512_mullo_epi32(a, b); }
inline Words add_words(Words a, Words b) { return _mm512_add_epi16(a, b); }
inline Words sub_words(Words a, Words b) { return _mm512_sub_epi16(a, b); }
inline Words add_sat(Words a, Words b) { return _mm512_adds_epi16(a, b); }
inline Words mulr(Words a, Words b) { return _mm512_mulhrs_epi16(a, b); }
inline Words shift_right(Words a, int32_t r) { return _mm512_sra_epi16(a, _mm_cvtsi32_si128(r)); }
inline Words mul_low(Words a, Words b) { return _mm512_mullo_epi16(a, b); }
inline Words mul_high(Words a, Words b) { return _mm512_mulhi_epi16(a, b); }
inline Bytes max_bytes(Bytes a, Bytes b) { return _mm512_max_epi8(a, b); }
inline Bytes min_bytes(Bytes a, Bytes b) { return _mm512_min_epi8(a, b); }
inline Bytes add_bytes(Bytes a, Bytes b) { return _mm512_add_epi8(a, b); }
inline Bytes lookup(Bytes table, Bytes index) { return _mm512_shuffle_epi8(table, index); }
/// k + (threshold <= value ? amount : 0)
inline Bytes step_up(Bytes k, Bytes threshold, Bytes value, Bytes amount) {
    return _mm512_mask_add_epi8(k, _mm512_cmple_epi8_mask(threshold, value), k, amount);
}

/// RNE(float32(acc) * m) of what lies in int32. Above, kCap makes it 32767; below, it becomes the least int32, which
/// packing saturates alike.
template <bool kCap>
inline Wide scale(Wide acc, Floats m) {
    const Floats product = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), m);
    return _mm512_cvtps_epi32(kCap ? _mm512_min_ps(product, _mm512_set1_ps(32767.0F)) : product);
}

inline Words pack_words(Wide a, Wide b) { return _mm512_packs_epi32(a, b); }
inline Bytes pack_bytes(Words a, Words b) { return _mm512_packs_epi16(a, b); }
inline Words interleave_low(Bytes a, Bytes b) { return _mm512_unpacklo_epi8(a, b); }
inline Words interleave_high(Bytes a, Bytes b) { return _mm512_unpackhi_epi8(a, b); }
inline Wide pair_low(Words a, Words b) { return _mm512_unpacklo_epi16(a, b); }
inline Wide pair_high(Words a, Words b) { return _mm512_unpackhi_epi16(a, b); }
inline Wide sign_low(Words a) { return _mm512_srai_epi32(_mm512_unpacklo_epi16(a, a), 16); }
inline Wide sign_high(Words a) { return _mm512_srai_epi32(_mm512_unpackhi_epi16(a, a), 16); }
/// Bytes packed from wides in natural order, back to that order.
inline Bytes natural(Bytes packed) {
    alignas(64) static constexpr int32_t kOrder[16] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
    return _mm512_permutexvar_epi32(_mm512_loadu_si512(kOrder), packed);
}

/// Copies n < 2 * kBytes bytes. Masked byte stores are microcoded on Zen 4, and a call of memcpy costs more than the
/// bytes.
template <int kBytes>
inline void copy_few(int8_t* to, const int8_t* from, int64_t n) {
    if ((n & kBytes) != 0) {
        __builtin_memcpy(to, from, kBytes);
        to += kBytes;
        from += kBytes;
    }
    if constexpr (kBytes > 1) copy_few<kBytes / 2>(to, from, n);
}

/// A block of 4 / kVectors pixels in natural order: the first n codes of each of the first `pixels`, `step` bytes
/// apart.
template <int kVectors>
[[gnu::always_inline]] inline void store_pixels(int8_t* y, int64_t step, Bytes codes, int64_t pixels, int64_t n) {
    constexpr int kBytes = kVectors * kLanes;
    if (kVectors == 4 && n == kBytes) return store_bytes(y, codes);
    alignas(64) int8_t few[kBlock];
    store_bytes(few, codes);
    for (int64_t p = 0; p < pixels; ++p)
        if (n == kBytes)
            __builtin_memcpy(y + p * step, few + p * kBytes, kBytes);
        else
            copy_few<kBytes / 2>(y + p * step, few + p * kBytes, n);
}

/// Codes to elements of the panel.
inline void to_elems(Elem* to, const int8_t* codes, int64_t n) {
    const Bytes flip = _mm512_set1_epi8(-128);
    int64_t i = 0;
    for (; i + 64 <= n; i += 64) _mm512_storeu_si512(to + i, _mm512_xor_si512(_mm512_loadu_si512(codes + i), flip));
    for (; i + 8 <= n; i += 8) {
        uint64_t eight;
        std::memcpy(&eight, codes + i, 8);
        eight ^= 0x8080808080808080U;
        std::memcpy(to + i, &eight, 8);
    }
    for (; i < n; ++i) to[i] = static_cast<Elem>(codes[i] + kElemOffset);
}

/// A code as kTaps elements of the panel.
inline int32_t splat_code(int32_t code) {
    return static_cast<int32_t>(static_cast<uint32_t>(code + kElemOffset) * 0x01010101U);
}

/// Codes [from, from + 64) of kTaps rows, interleaved to dwords in their order.
inline void interleave_block(int32_t* to, const int8_t* const rows[kTaps]) {
    // In-lane unpacking of rows whose dwords went 0 4 8 12 1 5 9 13 ... to the lanes gives wides in natural order.
    alignas(64) static constexpr int32_t kOrder[16] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
    const Wide order = _mm512_loadu_si512(kOrder), flip = set_bytes(-128);
    const auto row = [&](int t) {
        return _mm512_permutexvar_epi32(order, _mm512_xor_si512(load_bytes(rows[t]), flip));
    };
    const Bytes a = row(0), b = row(1), c = row(2), d = row(3);
    const Words ab_low = interleave_low(a, b), ab_high = interleave_high(a, b);
    const Words cd_low = interleave_low(c, d), cd_high = interleave_high(c, d);
    store_wide(to, pair_low(ab_low, cd_low));
    store_wide(to + 16, pair_high(ab_low, cd_low));
    store_wide(to + 32, pair_low(ab_high, cd_high));
    store_wide(to + 48, pair_high(ab_high, cd_high));
}
