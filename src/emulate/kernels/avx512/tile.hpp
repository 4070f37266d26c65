// The dense convolution's inner loop: `kRows` pixels x 16 output channels, one accumulator a row. On Zen 4 a vpdpbusd of 512
// bits takes a cycle, so one weight load and one broadcast a row keep up, and few registers are live: g++ 12 spills none.

constexpr int kTileVectors = 1;
constexpr int kTileRows = 14;  // divides the widths 112, 56, 28 and 14
constexpr int kTileChannels = kTileVectors * kLanes;

/// What one tile reads: `runs` stretches of `steps` dwords a pixel, at `offsets` bytes from the pixel's place.
struct TileInput {
    const Elem* pixel;          // of the first row
    int64_t pixel_bytes;        // from one row to the next
    const int64_t* offsets;     // [runs]
    int64_t runs, steps;
    const int8_t* weights;      // [runs, steps, channels, kTaps]
    const int32_t* bias;        // [channels]
};

inline Wide broadcast_elems(const Elem* p) {
    int32_t four;
    __builtin_memcpy(&four, p, 4);
    return _mm512_set1_epi32(four);
}

template <int kRows>
inline void tile_of(const TileInput& in, int32_t* sums) {
    Wide acc[kRows];
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) acc[r] = load_wide(in.bias);
    const int8_t* weights = in.weights;
    const int64_t ps = in.pixel_bytes;
    for (int64_t run = 0; run < in.runs; ++run) {
        // Every third row has a pointer of its own; the two after it are reached by index.
        const Elem* p[(kRows + 2) / 3];
#pragma GCC unroll 16
        for (int i = 0; i < (kRows + 2) / 3; ++i) p[i] = in.pixel + in.offsets[run] + 3 * i * ps;
        for (int64_t s = 0; s < in.steps; ++s, weights += 64) {
            const Bytes w = load_bytes(weights);
#pragma GCC unroll 16
            for (int r = 0; r < kRows; ++r)
                acc[r] = _mm512_dpbusd_epi32(acc[r], broadcast_elems(p[r / 3] + r % 3 * ps + 4 * s), w);
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) store_wide(sums + r * kTileChannels, acc[r]);
}

/// One row alone (FC): four chains, as one would wait for its own result.
inline void tile_of_one(const TileInput& in, int32_t* sums) {
    Wide a = load_wide(in.bias), b = set_wide(0), c = set_wide(0), d = set_wide(0);
    const int8_t* w = in.weights;
    for (int64_t run = 0; run < in.runs; ++run) {
        const Elem* p = in.pixel + in.offsets[run];
        int64_t s = 0;
        for (; s + 4 <= in.steps; s += 4, w += 256) {
            a = _mm512_dpbusd_epi32(a, broadcast_elems(p + 4 * s), load_bytes(w));
            b = _mm512_dpbusd_epi32(b, broadcast_elems(p + 4 * s + 4), load_bytes(w + 64));
            c = _mm512_dpbusd_epi32(c, broadcast_elems(p + 4 * s + 8), load_bytes(w + 128));
            d = _mm512_dpbusd_epi32(d, broadcast_elems(p + 4 * s + 12), load_bytes(w + 192));
        }
        for (; s < in.steps; ++s, w += 64) a = _mm512_dpbusd_epi32(a, broadcast_elems(p + 4 * s), load_bytes(w));
    }
    store_wide(sums, add_wide(add_wide(a, b), add_wide(c, d)));
}

/// sums[row][channel] = bias + products, rows in [1, kTileRows].
inline void tile(int rows, const TileInput& in, int32_t* sums) {
    switch (rows) {
        case 1: return tile_of_one(in, sums);
        case 2: return tile_of<2>(in, sums);
        case 3: return tile_of<3>(in, sums);
        case 4: return tile_of<4>(in, sums);
        case 5: return tile_of<5>(in, sums);
        case 6: return tile_of<6>(in, sums);
        case 7: return tile_of<7>(in, sums);
        case 8: return tile_of<8>(in, sums);
        case 9: return tile_of<9>(in, sums);
        case 10: return tile_of<10>(in, sums);
        case 11: return tile_of<11>(in, sums);
        case 12: return tile_of<12>(in, sums);
        case 13: return tile_of<13>(in, sums);
        default: return tile_of<14>(in, sums);
    }
}
