// The depthwise kernel's inner loop: up to 4 blocks of 64 outputs that share every load of weights. Asm blocks as in
// tile.hpp: g++ 12 moves accumulators from register to register.

constexpr int kDepthwiseBlocks = 4;

#define LOAD(v, r) "vmovdqu64 64*" #v "(%[io]), %%zmm" #r "\n\t"
#define STORE(r) "vmovdqu64 %%zmm" #r ", 64*" #r "(%[io])\n\t"
#define DOT(address, r) "vmovdqu64 " address ", %%zmm25\n\tvpdpbusd %%zmm24, %%zmm25, %%zmm" #r "\n\t"
// Wide v of 1 to 4 blocks; block b lies b * advance behind the first, accumulators are numbered [block][wide].
#define DOTS1(r0) DOT("(%[x])", r0)
#define DOTS2(r0, r1) DOTS1(r0) DOT("(%[x],%[advance])", r1)
#define DOTS3(r0, r1, r2) DOTS2(r0, r1) DOT("(%[x],%[advance],2)", r2)
#define DOTS4(r0, r1, r2, r3) DOTS3(r0, r1, r2) DOT("(%[x],%[advance3])", r3)
#define WIDE(v, place, dots) "vmovdqu64 64*" #v "(%[w]), %%zmm24\n\t" place dots
#define CALOTYPE_DEPTHWISE(blocks, init, dots0, dots1, dots2, dots3, store)                                               \
    inline void depthwise_tile_##blocks(const DepthwiseInput& in, int32_t* sums) {                                        \
        const char *at = nullptr, *x = nullptr;                                                                           \
        const int64_t* taps = in.taps;                                                                                    \
        const TapWeight* w = in.weights;                                                                                  \
        int64_t left = in.steps;                                                                                          \
        const void* io = in.bias;                                                                                         \
        asm volatile(init                                                                                               \
                     ".p2align 5\n\t"                                                                                   \
                     "1:\n\t"                                                                                           \
                     "mov (%[taps]), %[at]\n\t"                                                                         \
                     "add $8, %[taps]\n\t"                                                                              \
                     "add %[panel], %[at]\n\t"                                                                          \
                     WIDE(0, "mov %[at], %[x]\n\t", dots0)                                                              \
                     WIDE(1, "lea (%[at],%[v1]), %[x]\n\t", dots1)                                                      \
                     WIDE(2, "lea (%[at],%[v2]), %[x]\n\t", dots2)                                                      \
                     WIDE(3, "lea (%[at],%[v3]), %[x]\n\t", dots3)                                                      \
                     "add $256, %[w]\n\t"                                                                               \
                     "dec %[left]\n\t"                                                                                  \
                     "jnz 1b\n\t"                                                                                       \
                     "mov %[sums], %[io]\n\t" store                                                                     \
                     : [at] "=&r"(at), [x] "=&r"(x), [taps] "+&r"(taps), [w] "+&r"(w), [left] "+&r"(left), [io] "+&r"(io) \
                     : [panel] "r"(in.panel), [advance] "r"(in.advance), [advance3] "r"(3 * in.advance),                \
                       [v1] "r"(in.wides[0]), [v2] "r"(in.wides[1]), [v3] "r"(in.wides[2]), [sums] "m"(sums)      \
                     : "zmm0", "zmm1", "zmm2", "zmm3", "zmm4", "zmm5", "zmm6", "zmm7", "zmm8", "zmm9", "zmm10", "zmm11", \
                       "zmm12", "zmm13", "zmm14", "zmm15", "zmm24", "zmm25", "memory", "cc"); \
    }
#define I1 LOAD(0, 0) LOAD(1, 1) LOAD(2, 2) LOAD(3, 3)
#define I2 I1 LOAD(0, 4) LOAD(1, 5) LOAD(2, 6) LOAD(3, 7)
#define I3 I2 LOAD(0, 8) LOAD(1, 9) LOAD(2, 10) LOAD(3, 11)
#define I4 I3 LOAD(0, 12) LOAD(1, 13) LOAD(2, 14) LOAD(3, 15)
#define S1 STORE(0) STORE(1) STORE(2) STORE(3)
#define S2 S1 STORE(4) STORE(5) STORE(6) STORE(7)
#define S3 S2 STORE(8) STORE(9) STORE(10) STORE(11)
#define S4 S3 STORE(12) STORE(13) STORE(14) STORE(15)
CALOTYPE_DEPTHWISE(1, I1, DOTS1(0), DOTS1(1), DOTS1(2), DOTS1(3), S1)
CALOTYPE_DEPTHWISE(2, I2, DOTS2(0, 4), DOTS2(1, 5), DOTS2(2, 6), DOTS2(3, 7), S2)
CALOTYPE_DEPTHWISE(3, I3, DOTS3(0, 4, 8), DOTS3(1, 5, 9), DOTS3(2, 6, 10), DOTS3(3, 7, 11), S3)
CALOTYPE_DEPTHWISE(4, I4, DOTS4(0, 4, 8, 12), DOTS4(1, 5, 9, 13), DOTS4(2, 6, 10, 14), DOTS4(3, 7, 11, 15), S4)
#undef LOAD
#undef STORE
#undef DOT
#undef DOTS1
#undef DOTS2
#undef DOTS3
#undef DOTS4
#undef WIDE
#undef CALOTYPE_DEPTHWISE
#undef I1
#undef I2
#undef I3
#undef I4
#undef S1
#undef S2
#undef S3
#undef S4

/// sums[block][kBlock] = bias + products, blocks in [1, kDepthwiseBlocks].
inline void depthwise_tile(int64_t blocks, const DepthwiseInput& in, int32_t* sums) {
    switch (blocks) {
        case 1:
            return depthwise_tile_1(in, sums);
        case 2:
            return depthwise_tile_2(in, sums);
        case 3:
            return depthwise_tile_3(in, sums);
        default:
            return depthwise_tile_4(in, sums);
    }
}
