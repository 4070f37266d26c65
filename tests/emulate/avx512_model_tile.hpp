// generic/tile.inl.hpp and depthwise_tile.inl.hpp in plain loops: their asm cannot run over the model.

template <int kVectors>
void tile(int64_t pixels, const TileInput& in, int32_t* sums) {
    for (int64_t p = 0; p < pixels; ++p)
        for (int v = 0; v < kVectors; ++v) {
            Wide acc = load_wide(in.bias + v * kLanes);
            const int8_t* w = in.weights + 64 * v;
            for (int64_t run = 0; run < in.runs; ++run)
                for (int64_t s = 0; s < in.steps; ++s, w += 64 * kVectors) {
                    int32_t four;
                    std::memcpy(&four, in.pixel + p * in.pixel_bytes + in.offsets[run] + 4 * s, 4);
                    acc = _mm512_dpbusd_epi32(acc, set_wide(four), load_bytes(w));
                }
            store_wide(sums + (p * kVectors + v) * kLanes, acc);
        }
}

inline void depthwise_tile(int64_t blocks, const DepthwiseInput& in, int32_t* sums) {
    for (int64_t b = 0; b < blocks; ++b)
        for (int v = 0; v < 4; ++v) {
            Wide acc = load_wide(in.bias + v * kLanes);
            for (int64_t s = 0; s < in.steps; ++s) {
                const int64_t at = b * in.advance + in.taps[s] + (v == 0 ? 0 : in.wides[v - 1]);
                acc = _mm512_dpbusd_epi32(acc, load_wide(in.panel + at / 4), load_bytes(in.weights + (s * 4 + v) * 64));
            }
            store_wide(sums + (b * 4 + v) * kLanes, acc);
        }
}
