// The dense convolution's inner loop: up to 6 pixels x 16 output channels, operands from the panel (int16, broadcast in
// pairs) and from packed weights (int16 too: widening them on load costs a tenth, measured). One asm block, because
// g++ 12 spills accumulators that it is given as intrinsics (measured: half the speed).

constexpr int kTileVectors[] = {2};  // widths of tiles, in wides of output channels
constexpr int kTileSums = 12;        // wides that a tile has at most
constexpr int tile_pixels(int) { return 6; }

#define CALOTYPE_INIT(a, b) "vmovdqu (%[io]), %%ymm" #a "\n\tvmovdqu 32(%[io]), %%ymm" #b "\n\t"
#define CALOTYPE_ROW(address, a, b)          \
    "vpbroadcastd " address                  \
    ", %%ymm14\n\t"                          \
    "vpmaddwd %%ymm12, %%ymm14, %%ymm15\n\t" \
    "vpmaddwd %%ymm13, %%ymm14, %%ymm14\n\t" \
    "vpaddd %%ymm15, %%ymm" #a ", %%ymm" #a  \
    "\n\t"                                   \
    "vpaddd %%ymm14, %%ymm" #b ", %%ymm" #b "\n\t"
#define CALOTYPE_STORE(row, a, b) \
    "vmovdqu %%ymm" #a ", 64*" #row "(%[io])\n\tvmovdqu %%ymm" #b ", 64*" #row "+32(%[io])\n\t"
#define CALOTYPE_TILE(rows, init, body, store)                                                                   \
    inline void tile_##rows(const TileInput& in, int32_t* sums) {                                                \
        const char *p0 = nullptr, *p3 = nullptr;                                                                 \
        const int64_t* offsets = in.offsets;                                                                     \
        const TapWeight* weights = in.weights;                                                                   \
        int64_t runs = in.runs, left = 0;                                                                        \
        const void* io = in.bias;                                                                                \
        asm volatile(init                                                                                        \
                     "1:\n\t"                                                                                    \
                     "mov (%[offsets]), %[p0]\n\t"                                                               \
                     "add $8, %[offsets]\n\t"                                                                    \
                     "add %[base], %[p0]\n\t"                                                                    \
                     "lea (%[p0],%[ps],2), %[p3]\n\t"                                                            \
                     "add %[ps], %[p3]\n\t"                                                                      \
                     "mov %[steps], %[left]\n\t"                                                                 \
                     ".p2align 4\n\t"                                                                            \
                     "2:\n\t"                                                                                    \
                     "vmovdqu (%[w]), %%ymm12\n\t"                                                               \
                     "vmovdqu 32(%[w]), %%ymm13\n\t" body                                                        \
                     "add $4, %[p0]\n\t"                                                                         \
                     "add $4, %[p3]\n\t"                                                                         \
                     "add $64, %[w]\n\t"                                                                         \
                     "dec %[left]\n\t"                                                                           \
                     "jnz 2b\n\t"                                                                                \
                     "dec %[runs]\n\t"                                                                           \
                     "jnz 1b\n\t"                                                                                \
                     "mov %[sums], %[io]\n\t" store                                                              \
                     : [p0] "=&r"(p0), [p3] "=&r"(p3), [offsets] "+&r"(offsets), [w] "+&r"(weights),             \
                       [runs] "+&r"(runs), [left] "=&r"(left), [io] "+&r"(io)                                    \
                     : [base] "r"(in.pixel), [ps] "r"(in.pixel_bytes), [steps] "rm"(in.steps), [sums] "rm"(sums) \
                     : "ymm0", "ymm1", "ymm2", "ymm3", "ymm4", "ymm5", "ymm6", "ymm7", "ymm8", "ymm9", "ymm10",  \
                       "ymm11", "ymm12", "ymm13", "ymm14", "ymm15", "memory", "cc");                             \
    }

#define I0 CALOTYPE_INIT(0, 1)
#define I1 CALOTYPE_INIT(2, 3)
#define I2 CALOTYPE_INIT(4, 5)
#define I3 CALOTYPE_INIT(6, 7)
#define I4 CALOTYPE_INIT(8, 9)
#define I5 CALOTYPE_INIT(10, 11)
#define R0 CALOTYPE_ROW("(%[p0])", 0, 1)
#define R1 CALOTYPE_ROW("(%[p0],%[ps])", 2, 3)
#define R2 CALOTYPE_ROW("(%[p0],%[ps],2)", 4, 5)
#define R3 CALOTYPE_ROW("(%[p3])", 6, 7)
#define R4 CALOTYPE_ROW("(%[p3],%[ps])", 8, 9)
#define R5 CALOTYPE_ROW("(%[p3],%[ps],2)", 10, 11)
#define S0 CALOTYPE_STORE(0, 0, 1)
#define S1 CALOTYPE_STORE(1, 2, 3)
#define S2 CALOTYPE_STORE(2, 4, 5)
#define S3 CALOTYPE_STORE(3, 6, 7)
#define S4 CALOTYPE_STORE(4, 8, 9)
#define S5 CALOTYPE_STORE(5, 10, 11)
CALOTYPE_TILE(1, I0, R0, S0)
CALOTYPE_TILE(2, I0 I1, R0 R1, S0 S1)
CALOTYPE_TILE(3, I0 I1 I2, R0 R1 R2, S0 S1 S2)
CALOTYPE_TILE(4, I0 I1 I2 I3, R0 R1 R2 R3, S0 S1 S2 S3)
CALOTYPE_TILE(5, I0 I1 I2 I3 I4, R0 R1 R2 R3 R4, S0 S1 S2 S3 S4)
CALOTYPE_TILE(6, I0 I1 I2 I3 I4 I5, R0 R1 R2 R3 R4 R5, S0 S1 S2 S3 S4 S5)
#undef I0
#undef I1
#undef I2
#undef I3
#undef I4
#undef I5
#undef R0
#undef R1
#undef R2
#undef R3
#undef R4
#undef R5
#undef S0
#undef S1
#undef S2
#undef S3
#undef S4
#undef S5
#undef CALOTYPE_INIT
#undef CALOTYPE_ROW
#undef CALOTYPE_STORE
#undef CALOTYPE_TILE

/// sums[pixel][channel] = bias + products, pixels in [1, tile_pixels(2)].
template <int kVectors>
inline void tile(int64_t pixels, const TileInput& in, int32_t* sums) {
    static_assert(kVectors == 2);
    switch (pixels) {
        case 1:
            return tile_1(in, sums);
        case 2:
            return tile_2(in, sums);
        case 3:
            return tile_3(in, sums);
        case 4:
            return tile_4(in, sums);
        case 5:
            return tile_5(in, sums);
        default:
            return tile_6(in, sums);
    }
}

/// body(kVectors as a compile-time constant).
template <class Body>
void with_vectors(int, Body body) {
    body(std::integral_constant<int, 2>{});
}
