// The depthwise kernel's inner loop: up to 3 blocks of 32 outputs that share every load of weights. Asm blocks as in
// tile.hpp.

constexpr int kDepthwiseBlocks = 3;

#define LOAD(v, r) "vmovdqu 32*" #v "(%[io]), %%ymm" #r "\n\t"
#define STORE(r) "vmovdqu %%ymm" #r ", 32*" #r "(%[io])\n\t"
#define DOT(address, r) "vpmaddwd " address ", %%ymm12, %%ymm13\n\tvpaddd %%ymm13, %%ymm" #r ", %%ymm" #r "\n\t"
// Wide v of 1 to 3 blocks; block b lies b * advance behind the first, accumulators are numbered [block][wide].
#define DOTS1(r0) DOT("(%[x])", r0)
#define DOTS2(r0, r1) DOTS1(r0) DOT("(%[x],%[advance])", r1)
#define DOTS3(r0, r1, r2) DOTS2(r0, r1) DOT("(%[x],%[advance],2)", r2)
#define WIDE(v, place, dots) "vmovdqu 32*" #v "(%[w]), %%ymm12\n\t" place dots
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
                     "add $128, %[w]\n\t"                                                                               \
                     "dec %[left]\n\t"                                                                                  \
                     "jnz 1b\n\t"                                                                                       \
                     "mov %[sums], %[io]\n\t" store                                                                     \
                     : [at] "=&r"(at), [x] "=&r"(x), [taps] "+&r"(taps), [w] "+&r"(w), [left] "+&r"(left), [io] "+&r"(io) \
                     : [panel] "r"(in.panel), [advance] "r"(in.advance),                                              \
                       [v1] "r"(in.wides[0]), [v2] "r"(in.wides[1]), [v3] "r"(in.wides[2]), [sums] "m"(sums)      \
                     : "ymm0", "ymm1", "ymm2", "ymm3", "ymm4", "ymm5", "ymm6", "ymm7", "ymm8", "ymm9", "ymm10", "ymm11", \
                       "ymm12", "ymm13", "memory", "cc"); \
    }
#define I1 LOAD(0, 0) LOAD(1, 1) LOAD(2, 2) LOAD(3, 3)
#define I2 I1 LOAD(0, 4) LOAD(1, 5) LOAD(2, 6) LOAD(3, 7)
#define I3 I2 LOAD(0, 8) LOAD(1, 9) LOAD(2, 10) LOAD(3, 11)
#define S1 STORE(0) STORE(1) STORE(2) STORE(3)
#define S2 S1 STORE(4) STORE(5) STORE(6) STORE(7)
#define S3 S2 STORE(8) STORE(9) STORE(10) STORE(11)
CALOTYPE_DEPTHWISE(1, I1, DOTS1(0), DOTS1(1), DOTS1(2), DOTS1(3), S1)
CALOTYPE_DEPTHWISE(2, I2, DOTS2(0, 4), DOTS2(1, 5), DOTS2(2, 6), DOTS2(3, 7), S2)
CALOTYPE_DEPTHWISE(3, I3, DOTS3(0, 4, 8), DOTS3(1, 5, 9), DOTS3(2, 6, 10), DOTS3(3, 7, 11), S3)
#undef LOAD
#undef STORE
#undef DOT
#undef DOTS1
#undef DOTS2
#undef DOTS3
#undef WIDE
#undef CALOTYPE_DEPTHWISE
#undef I1
#undef I2
#undef I3
#undef S1
#undef S2
#undef S3

/// sums[block][kBlock] = bias + products, blocks in [1, kDepthwiseBlocks].
inline void depthwise_tile(int64_t blocks, const DepthwiseInput& in, int32_t* sums) {
    switch (blocks) {
        case 1:
            return depthwise_tile_1(in, sums);
        case 2:
            return depthwise_tile_2(in, sums);
        default:
            return depthwise_tile_3(in, sums);
    }
}
