// The dense convolution's inner loop: up to tile_pixels pixels x `vectors` wides of 16 output channels. A step takes a
// broadcast a pixel and a load a wide for their product of vpdpbusd, so that loads stay behind the two vpdpbusd a cycle
// of Zen 5 and of Intel's servers; 14 or more accumulators hide its latency. Asm blocks, because g++ 12 moves or spills
// accumulators that it is given as intrinsics (measured: half the speed).

constexpr int kTileVectors[] = {4, 2, 1};  // widths of tiles, widest first
constexpr int kTileSums = 24;              // wides that a tile has at most

/// Most pixels of a tile of that width.
constexpr int tile_pixels(int vectors) { return vectors == 4 ? 6 : vectors == 2 ? 12 : 16; }

// Pixels 0 to 7 are reached from p, 8 to 15 from q.
#define AT0(p) "(%[" #p "])"
#define AT1(p) "(%[" #p "],%[ps])"
#define AT2(p) "(%[" #p "],%[ps],2)"
#define AT3(p) "(%[" #p "],%[ps3])"
#define AT4(p) "(%[" #p "],%[ps],4)"
#define AT5(p) "(%[" #p "],%[ps5])"
#define AT6(p) "(%[" #p "],%[ps3],2)"
#define AT7(p) "(%[" #p "],%[ps7])"
#define LOAD(at, r) "vmovdqu64 64*" #at "(%[io]), %%zmm" #r "\n\t"
#define COPY(from, r) "vmovdqa64 %%zmm" #from ", %%zmm" #r "\n\t"
#define STORE(r) "vmovdqu64 %%zmm" #r ", 64*" #r "(%[io])\n\t"
#define X(address) "vpbroadcastd " address ", %%zmm31\n\t"
#define DOT(w, r) "vpdpbusd %%zmm" #w ", %%zmm31, %%zmm" #r "\n\t"
#define CALOTYPE_TILE(vectors, pixels, init, load, body, store)                                                     \
    inline void tile_##vectors##x##pixels(const TileInput& in, int32_t* sums) {                                     \
        const char *p = nullptr, *q = nullptr;                                                                      \
        const int64_t* offsets = in.offsets;                                                                        \
        const int8_t* w = in.weights;                                                                               \
        int64_t runs = in.runs, left = 0;                                                                           \
        const void* io = in.bias;                                                                                   \
        const int64_t ps = in.pixel_bytes;                                                                          \
        asm volatile(init                                                                                           \
                     "1:\n\t"                                                                                       \
                     "mov (%[offsets]), %[p]\n\t"                                                                   \
                     "add $8, %[offsets]\n\t"                                                                       \
                     "add %[base], %[p]\n\t"                                                                        \
                     "lea (%[p],%[ps],8), %[q]\n\t"                                                                 \
                     "mov %[steps], %[left]\n\t"                                                                    \
                     ".p2align 5\n\t"                                                                               \
                     "2:\n\t" load body                                                                             \
                     "add $4, %[p]\n\t"                                                                             \
                     "add $4, %[q]\n\t"                                                                             \
                     "add $64*" #vectors                                                                            \
                     ", %[w]\n\t"                                                                                   \
                     "dec %[left]\n\t"                                                                              \
                     "jnz 2b\n\t"                                                                                   \
                     "dec %[runs]\n\t"                                                                              \
                     "jnz 1b\n\t"                                                                                   \
                     "mov %[sums], %[io]\n\t" store                                                                 \
                     : [p] "=&r"(p), [q] "=&r"(q), [offsets] "+&r"(offsets), [w] "+&r"(w), [runs] "+&r"(runs),      \
                       [left] "=&r"(left), [io] "+&r"(io)                                                           \
                     : [base] "m"(in.pixel), [ps] "r"(ps), [ps3] "r"(3 * ps), [ps5] "r"(5 * ps), [ps7] "r"(7 * ps), \
                       [steps] "m"(in.steps), [sums] "m"(sums)                                                      \
                     : CALOTYPE_ZMM, "memory", "cc");                                                               \
    }
#define CALOTYPE_ZMM                                                                                                \
    "zmm0", "zmm1", "zmm2", "zmm3", "zmm4", "zmm5", "zmm6", "zmm7", "zmm8", "zmm9", "zmm10", "zmm11", "zmm12",      \
        "zmm13", "zmm14", "zmm15", "zmm16", "zmm17", "zmm18", "zmm19", "zmm20", "zmm21", "zmm22", "zmm23", "zmm24", \
        "zmm25", "zmm26", "zmm27", "zmm31"

// Init, weights, body and store of tiles 1 wide, pixel upon pixel; weights lie in zmm24 and on.
#define W1 "vmovdqu64 0(%[w]), %%zmm24\n\t"
#define I1_1 LOAD(0, 0)
#define B1_1 X(AT0(p)) DOT(24, 0)
#define S1_1 STORE(0)
CALOTYPE_TILE(1, 1, I1_1, W1, B1_1, S1_1)
#define I1_2 I1_1 COPY(0, 1)
#define B1_2 B1_1 X(AT1(p)) DOT(24, 1)
#define S1_2 S1_1 STORE(1)
CALOTYPE_TILE(1, 2, I1_2, W1, B1_2, S1_2)
#define I1_3 I1_2 COPY(0, 2)
#define B1_3 B1_2 X(AT2(p)) DOT(24, 2)
#define S1_3 S1_2 STORE(2)
CALOTYPE_TILE(1, 3, I1_3, W1, B1_3, S1_3)
#define I1_4 I1_3 COPY(0, 3)
#define B1_4 B1_3 X(AT3(p)) DOT(24, 3)
#define S1_4 S1_3 STORE(3)
CALOTYPE_TILE(1, 4, I1_4, W1, B1_4, S1_4)
#define I1_5 I1_4 COPY(0, 4)
#define B1_5 B1_4 X(AT4(p)) DOT(24, 4)
#define S1_5 S1_4 STORE(4)
CALOTYPE_TILE(1, 5, I1_5, W1, B1_5, S1_5)
#define I1_6 I1_5 COPY(0, 5)
#define B1_6 B1_5 X(AT5(p)) DOT(24, 5)
#define S1_6 S1_5 STORE(5)
CALOTYPE_TILE(1, 6, I1_6, W1, B1_6, S1_6)
#define I1_7 I1_6 COPY(0, 6)
#define B1_7 B1_6 X(AT6(p)) DOT(24, 6)
#define S1_7 S1_6 STORE(6)
CALOTYPE_TILE(1, 7, I1_7, W1, B1_7, S1_7)
#define I1_8 I1_7 COPY(0, 7)
#define B1_8 B1_7 X(AT7(p)) DOT(24, 7)
#define S1_8 S1_7 STORE(7)
CALOTYPE_TILE(1, 8, I1_8, W1, B1_8, S1_8)
#define I1_9 I1_8 COPY(0, 8)
#define B1_9 B1_8 X(AT0(q)) DOT(24, 8)
#define S1_9 S1_8 STORE(8)
CALOTYPE_TILE(1, 9, I1_9, W1, B1_9, S1_9)
#define I1_10 I1_9 COPY(0, 9)
#define B1_10 B1_9 X(AT1(q)) DOT(24, 9)
#define S1_10 S1_9 STORE(9)
CALOTYPE_TILE(1, 10, I1_10, W1, B1_10, S1_10)
#define I1_11 I1_10 COPY(0, 10)
#define B1_11 B1_10 X(AT2(q)) DOT(24, 10)
#define S1_11 S1_10 STORE(10)
CALOTYPE_TILE(1, 11, I1_11, W1, B1_11, S1_11)
#define I1_12 I1_11 COPY(0, 11)
#define B1_12 B1_11 X(AT3(q)) DOT(24, 11)
#define S1_12 S1_11 STORE(11)
CALOTYPE_TILE(1, 12, I1_12, W1, B1_12, S1_12)
#define I1_13 I1_12 COPY(0, 12)
#define B1_13 B1_12 X(AT4(q)) DOT(24, 12)
#define S1_13 S1_12 STORE(12)
CALOTYPE_TILE(1, 13, I1_13, W1, B1_13, S1_13)
#define I1_14 I1_13 COPY(0, 13)
#define B1_14 B1_13 X(AT5(q)) DOT(24, 13)
#define S1_14 S1_13 STORE(13)
CALOTYPE_TILE(1, 14, I1_14, W1, B1_14, S1_14)
#define I1_15 I1_14 COPY(0, 14)
#define B1_15 B1_14 X(AT6(q)) DOT(24, 14)
#define S1_15 S1_14 STORE(14)
CALOTYPE_TILE(1, 15, I1_15, W1, B1_15, S1_15)
#define I1_16 I1_15 COPY(0, 15)
#define B1_16 B1_15 X(AT7(q)) DOT(24, 15)
#define S1_16 S1_15 STORE(15)
CALOTYPE_TILE(1, 16, I1_16, W1, B1_16, S1_16)
// 2 wide.
#define W2                           \
    "vmovdqu64 0(%[w]), %%zmm24\n\t" \
    "vmovdqu64 64(%[w]), %%zmm25\n\t"
#define I2_1 LOAD(0, 0) LOAD(1, 1)
#define B2_1 X(AT0(p)) DOT(24, 0) DOT(25, 1)
#define S2_1 STORE(0) STORE(1)
CALOTYPE_TILE(2, 1, I2_1, W2, B2_1, S2_1)
#define I2_2 I2_1 COPY(0, 2) COPY(1, 3)
#define B2_2 B2_1 X(AT1(p)) DOT(24, 2) DOT(25, 3)
#define S2_2 S2_1 STORE(2) STORE(3)
CALOTYPE_TILE(2, 2, I2_2, W2, B2_2, S2_2)
#define I2_3 I2_2 COPY(0, 4) COPY(1, 5)
#define B2_3 B2_2 X(AT2(p)) DOT(24, 4) DOT(25, 5)
#define S2_3 S2_2 STORE(4) STORE(5)
CALOTYPE_TILE(2, 3, I2_3, W2, B2_3, S2_3)
#define I2_4 I2_3 COPY(0, 6) COPY(1, 7)
#define B2_4 B2_3 X(AT3(p)) DOT(24, 6) DOT(25, 7)
#define S2_4 S2_3 STORE(6) STORE(7)
CALOTYPE_TILE(2, 4, I2_4, W2, B2_4, S2_4)
#define I2_5 I2_4 COPY(0, 8) COPY(1, 9)
#define B2_5 B2_4 X(AT4(p)) DOT(24, 8) DOT(25, 9)
#define S2_5 S2_4 STORE(8) STORE(9)
CALOTYPE_TILE(2, 5, I2_5, W2, B2_5, S2_5)
#define I2_6 I2_5 COPY(0, 10) COPY(1, 11)
#define B2_6 B2_5 X(AT5(p)) DOT(24, 10) DOT(25, 11)
#define S2_6 S2_5 STORE(10) STORE(11)
CALOTYPE_TILE(2, 6, I2_6, W2, B2_6, S2_6)
#define I2_7 I2_6 COPY(0, 12) COPY(1, 13)
#define B2_7 B2_6 X(AT6(p)) DOT(24, 12) DOT(25, 13)
#define S2_7 S2_6 STORE(12) STORE(13)
CALOTYPE_TILE(2, 7, I2_7, W2, B2_7, S2_7)
#define I2_8 I2_7 COPY(0, 14) COPY(1, 15)
#define B2_8 B2_7 X(AT7(p)) DOT(24, 14) DOT(25, 15)
#define S2_8 S2_7 STORE(14) STORE(15)
CALOTYPE_TILE(2, 8, I2_8, W2, B2_8, S2_8)
#define I2_9 I2_8 COPY(0, 16) COPY(1, 17)
#define B2_9 B2_8 X(AT0(q)) DOT(24, 16) DOT(25, 17)
#define S2_9 S2_8 STORE(16) STORE(17)
CALOTYPE_TILE(2, 9, I2_9, W2, B2_9, S2_9)
#define I2_10 I2_9 COPY(0, 18) COPY(1, 19)
#define B2_10 B2_9 X(AT1(q)) DOT(24, 18) DOT(25, 19)
#define S2_10 S2_9 STORE(18) STORE(19)
CALOTYPE_TILE(2, 10, I2_10, W2, B2_10, S2_10)
#define I2_11 I2_10 COPY(0, 20) COPY(1, 21)
#define B2_11 B2_10 X(AT2(q)) DOT(24, 20) DOT(25, 21)
#define S2_11 S2_10 STORE(20) STORE(21)
CALOTYPE_TILE(2, 11, I2_11, W2, B2_11, S2_11)
#define I2_12 I2_11 COPY(0, 22) COPY(1, 23)
#define B2_12 B2_11 X(AT3(q)) DOT(24, 22) DOT(25, 23)
#define S2_12 S2_11 STORE(22) STORE(23)
CALOTYPE_TILE(2, 12, I2_12, W2, B2_12, S2_12)
// 4 wide.
#define W4                             \
    "vmovdqu64 0(%[w]), %%zmm24\n\t"   \
    "vmovdqu64 64(%[w]), %%zmm25\n\t"  \
    "vmovdqu64 128(%[w]), %%zmm26\n\t" \
    "vmovdqu64 192(%[w]), %%zmm27\n\t"
#define I4_1 LOAD(0, 0) LOAD(1, 1) LOAD(2, 2) LOAD(3, 3)
#define B4_1 X(AT0(p)) DOT(24, 0) DOT(25, 1) DOT(26, 2) DOT(27, 3)
#define S4_1 STORE(0) STORE(1) STORE(2) STORE(3)
CALOTYPE_TILE(4, 1, I4_1, W4, B4_1, S4_1)
#define I4_2 I4_1 COPY(0, 4) COPY(1, 5) COPY(2, 6) COPY(3, 7)
#define B4_2 B4_1 X(AT1(p)) DOT(24, 4) DOT(25, 5) DOT(26, 6) DOT(27, 7)
#define S4_2 S4_1 STORE(4) STORE(5) STORE(6) STORE(7)
CALOTYPE_TILE(4, 2, I4_2, W4, B4_2, S4_2)
#define I4_3 I4_2 COPY(0, 8) COPY(1, 9) COPY(2, 10) COPY(3, 11)
#define B4_3 B4_2 X(AT2(p)) DOT(24, 8) DOT(25, 9) DOT(26, 10) DOT(27, 11)
#define S4_3 S4_2 STORE(8) STORE(9) STORE(10) STORE(11)
CALOTYPE_TILE(4, 3, I4_3, W4, B4_3, S4_3)
#define I4_4 I4_3 COPY(0, 12) COPY(1, 13) COPY(2, 14) COPY(3, 15)
#define B4_4 B4_3 X(AT3(p)) DOT(24, 12) DOT(25, 13) DOT(26, 14) DOT(27, 15)
#define S4_4 S4_3 STORE(12) STORE(13) STORE(14) STORE(15)
CALOTYPE_TILE(4, 4, I4_4, W4, B4_4, S4_4)
#define I4_5 I4_4 COPY(0, 16) COPY(1, 17) COPY(2, 18) COPY(3, 19)
#define B4_5 B4_4 X(AT4(p)) DOT(24, 16) DOT(25, 17) DOT(26, 18) DOT(27, 19)
#define S4_5 S4_4 STORE(16) STORE(17) STORE(18) STORE(19)
CALOTYPE_TILE(4, 5, I4_5, W4, B4_5, S4_5)
#define I4_6 I4_5 COPY(0, 20) COPY(1, 21) COPY(2, 22) COPY(3, 23)
#define B4_6 B4_5 X(AT5(p)) DOT(24, 20) DOT(25, 21) DOT(26, 22) DOT(27, 23)
#define S4_6 S4_5 STORE(20) STORE(21) STORE(22) STORE(23)
CALOTYPE_TILE(4, 6, I4_6, W4, B4_6, S4_6)
#undef AT0
#undef AT1
#undef AT2
#undef AT3
#undef AT4
#undef AT5
#undef AT6
#undef AT7
#undef LOAD
#undef COPY
#undef STORE
#undef X
#undef DOT
#undef CALOTYPE_TILE
#undef CALOTYPE_ZMM

/// sums[pixel][channel] = bias + products, pixels in [1, tile_pixels(kVectors)].
template <int kVectors>
inline void tile(int64_t pixels, const TileInput& in, int32_t* sums) {
    using Function = void (*)(const TileInput&, int32_t*);
    static constexpr Function k1[] = {tile_1x1,  tile_1x2,  tile_1x3,  tile_1x4,  tile_1x5,  tile_1x6,
                                      tile_1x7,  tile_1x8,  tile_1x9,  tile_1x10, tile_1x11, tile_1x12,
                                      tile_1x13, tile_1x14, tile_1x15, tile_1x16};
    static constexpr Function k2[] = {tile_2x1, tile_2x2, tile_2x3, tile_2x4,  tile_2x5,  tile_2x6,
                                      tile_2x7, tile_2x8, tile_2x9, tile_2x10, tile_2x11, tile_2x12};
    static constexpr Function k4[] = {tile_4x1, tile_4x2, tile_4x3, tile_4x4, tile_4x5, tile_4x6};
    const Function* functions = kVectors == 4 ? k4 : kVectors == 2 ? k2 : k1;
    functions[pixels - 1](in, sums);
}

/// body(kVectors as a compile-time constant).
template <class Body>
void with_vectors(int vectors, Body body) {
    switch (vectors) {
        case 4:
            return body(std::integral_constant<int, 4>{});
        case 2:
            return body(std::integral_constant<int, 2>{});
        default:
            return body(std::integral_constant<int, 1>{});
    }
}
