// The words of the generic kernels in AVX2. Included inside the target region and namespace of kernels.cpp.
//
// A block is 4 Wide of int32 = 2 Words of int16 = 1 Bytes of int8. Packing and unpacking work within 128-bit lanes, so
// a block of wides packed to bytes and the same bytes unpacked agree in an order of their own: byte_offset of
// generic/stage.inl.hpp.

using Wide = __m256i;
using Words = __m256i;
using Bytes = __m256i;
using Floats = __m256;

constexpr int kLanes = 8;           // int32 of a Wide
constexpr int kBlock = 4 * kLanes;  // codes of a block
constexpr int kTaps = 2;            // elements of the panel that one dot-product step adds up
using Elem = int16_t;               // the panel holds codes widened, so that vpmaddwd is exact
using TapWeight = int16_t;          // of the depthwise kernel
constexpr int32_t kElemOffset = 0;  // element = code + kElemOffset

// Tiles of the inner loops that fit 16 registers: widths of dense ones in wides of output channels, widest first; wides
// of the largest; blocks of depthwise ones.
constexpr int kTileVectors[] = {2};
constexpr int kTileSums = 12;
constexpr int tile_pixels(int) { return 6; }
constexpr int kDepthwiseBlocks = 3;

inline Wide load_wide(const int32_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
inline void store_wide(int32_t* p, Wide v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
inline Words load_words(const int16_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
inline Bytes load_bytes(const int8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
inline void store_bytes(int8_t* p, Bytes v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
inline Floats load_floats(const float* p) { return _mm256_loadu_ps(p); }
inline Bytes table16(const int8_t* p) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}

inline Wide set_wide(int32_t x) { return _mm256_set1_epi32(x); }
inline Words set_words(int16_t x) { return _mm256_set1_epi16(x); }
inline Bytes set_bytes(int8_t x) { return _mm256_set1_epi8(x); }

inline Wide add_wide(Wide a, Wide b) { return _mm256_add_epi32(a, b); }
inline Wide sub_wide(Wide a, Wide b) { return _mm256_sub_epi32(a, b); }
inline Wide mul_wide(Wide a, Wide b) { return _mm256_mullo_epi32(a, b); }
inline Words add_words(Words a, Words b) { return _mm256_add_epi16(a, b); }
inline Words sub_words(Words a, Words b) { return _mm256_sub_epi16(a, b); }
inline Words add_sat(Words a, Words b) { return _mm256_adds_epi16(a, b); }
inline Words mulr(Words a, Words b) { return _mm256_mulhrs_epi16(a, b); }
inline Words shift_right(Words a, int32_t r) { return _mm256_sra_epi16(a, _mm_cvtsi32_si128(r)); }
inline Words mul_low(Words a, Words b) { return _mm256_mullo_epi16(a, b); }
inline Words mul_high(Words a, Words b) { return _mm256_mulhi_epi16(a, b); }
inline Bytes max_bytes(Bytes a, Bytes b) { return _mm256_max_epi8(a, b); }
inline Bytes min_bytes(Bytes a, Bytes b) { return _mm256_min_epi8(a, b); }
inline Bytes add_bytes(Bytes a, Bytes b) { return _mm256_add_epi8(a, b); }
inline Bytes lookup(Bytes table, Bytes index) { return _mm256_shuffle_epi8(table, index); }
/// k + (threshold <= value ? amount : 0)
inline Bytes step_up(Bytes k, Bytes threshold, Bytes value, Bytes amount) {
    return _mm256_add_epi8(k, _mm256_andnot_si256(_mm256_cmpgt_epi8(threshold, value), amount));
}

/// RNE(float32(acc) * m) of what lies in int32. Above, kCap makes it 32767; below, it becomes the least int32, which
/// packing saturates alike.
template <bool kCap>
inline Wide scale(Wide acc, Floats m) {
    const Floats product = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), m);
    return _mm256_cvtps_epi32(kCap ? _mm256_min_ps(product, _mm256_set1_ps(32767.0F)) : product);
}

inline Words pack_words(Wide a, Wide b) { return _mm256_packs_epi32(a, b); }
inline Bytes pack_bytes(Words a, Words b) { return _mm256_packs_epi16(a, b); }
inline Words interleave_low(Bytes a, Bytes b) { return _mm256_unpacklo_epi8(a, b); }
inline Words interleave_high(Bytes a, Bytes b) { return _mm256_unpackhi_epi8(a, b); }
inline Wide pair_low(Words a, Words b) { return _mm256_unpacklo_epi16(a, b); }
inline Wide pair_high(Words a, Words b) { return _mm256_unpackhi_epi16(a, b); }
inline Wide sign_low(Words a) { return _mm256_srai_epi32(_mm256_unpacklo_epi16(a, a), 16); }
inline Wide sign_high(Words a) { return _mm256_srai_epi32(_mm256_unpackhi_epi16(a, a), 16); }
/// Bytes packed from wides in natural order, back to that order.
inline Bytes natural(Bytes packed) {
    return _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

inline void store_some(int8_t* y, __m128i v, int64_t n) {
    if (n & 8) {
        _mm_storel_epi64(reinterpret_cast<__m128i*>(y), v);
        v = _mm_srli_si128(v, 8);
        y += 8;
    }
    if (n & 4) {
        const int32_t four = _mm_cvtsi128_si32(v);
        __builtin_memcpy(y, &four, 4);
        v = _mm_srli_si128(v, 4);
        y += 4;
    }
    if (n & 2) {
        const auto two = static_cast<int16_t>(_mm_extract_epi16(v, 0));
        __builtin_memcpy(y, &two, 2);
        v = _mm_srli_si128(v, 2);
        y += 2;
    }
    if (n & 1) *y = static_cast<int8_t>(_mm_extract_epi8(v, 0));
}

/// A block of 4 / kVectors pixels in natural order: the first n codes of each of the first `pixels`, `step` bytes
/// apart.
template <int kVectors>
inline void store_pixels(int8_t* y, int64_t step, Bytes v, int64_t pixels, int64_t n) {
    static_assert(kVectors == 2);
    for (int64_t p = 0; p < pixels; ++p, y += step) {
        const __m128i part = p == 0 ? _mm256_castsi256_si128(v) : _mm256_extracti128_si256(v, 1);
        if (n >= 16)
            _mm_storeu_si128(reinterpret_cast<__m128i*>(y), part);
        else
            store_some(y, part, n);
    }
}

/// Codes to elements of the panel.
inline void to_elems(Elem* to, const int8_t* codes, int64_t n) {
    int64_t i = 0;
    for (; i + 16 <= n; i += 16)
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i),
                            _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes + i))));
    if (i + 8 <= n) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i),
                         _mm_cvtepi8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes + i))));
        i += 8;
    }
    for (; i < n; ++i) to[i] = codes[i];
}

/// A code as kTaps elements of the panel.
inline int32_t splat_code(int32_t code) {
    return static_cast<int32_t>((static_cast<uint32_t>(code) & 0xFFFF) * 0x10001);
}

/// A block of codes of kTaps rows, interleaved to dwords in their order.
inline void interleave_block(int32_t* to, const int8_t* const rows[kTaps]) {
    for (int i = 0; i < kBlock; i += 16) {
        const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[0] + i));
        const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[1] + i));
        store_wide(to + i, _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(a, b)));
        store_wide(to + i + 8, _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(a, b)));
    }
}
