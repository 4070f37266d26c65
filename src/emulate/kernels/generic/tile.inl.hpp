// The dense convolution's inner loop: kPixels pixels x kVectors wides of output channels. A step takes a broadcast a
// pixel and a load a wide for their product. In assembler, because g++ 12 moves or spills accumulators that it is given
// as intrinsics (measured: half the speed); the assembler's own .if leaves out what a smaller tile has not. Registers
// and instructions are those of the set's tile.hpp.

#define CALOTYPE_IF(condition, text) ".if " condition "\n\t" text ".endif\n\t"
/// Each of a pixel's wides, where the tile has it.
#define CALOTYPE_WIDES(Each, i, a, b, c, d)                   \
    CALOTYPE_IF("%c[pixels] > " #i,                           \
                Each(i, 0, a) CALOTYPE_IF("%c[vectors] >= 2", \
                                          Each(i, 1, b) CALOTYPE_IF("%c[vectors] >= 4", Each(i, 2, c) Each(i, 3, d))))
#define CALOTYPE_LOAD_BIAS(i, v, r) CALOTYPE_MOVE #v "*%c[wide](%[io]), " CALOTYPE_REGISTER(r) "\n\t"
#define CALOTYPE_STORE_SUM(i, v, r) \
    CALOTYPE_MOVE CALOTYPE_REGISTER(r) ", (" #i "*%c[vectors]+" #v ")*%c[wide](%[io])\n\t"
#define CALOTYPE_ADD_PRODUCT(i, v, r) CALOTYPE_DOT(CALOTYPE_WEIGHTS_##v, CALOTYPE_REGISTER(r))
#define CALOTYPE_LOAD_WEIGHTS(v) CALOTYPE_MOVE #v "*%c[wide](%[w]), " CALOTYPE_WEIGHTS_##v "\n\t"

#define CALOTYPE_INIT(i, address, ...) CALOTYPE_WIDES(CALOTYPE_LOAD_BIAS, i, __VA_ARGS__)
#define CALOTYPE_STORE(i, address, ...) CALOTYPE_WIDES(CALOTYPE_STORE_SUM, i, __VA_ARGS__)
#define CALOTYPE_STEP(i, address, ...)                                                      \
    CALOTYPE_IF("%c[pixels] > " #i, "vpbroadcastd " address ", " CALOTYPE_BROADCAST "\n\t") \
    CALOTYPE_WIDES(CALOTYPE_ADD_PRODUCT, i, __VA_ARGS__)

/// sums[kPixels][kVectors wides] = bias + products. Pixels 0 to 7 are reached from p, 8 to 15 from q.
template <int kVectors, int kPixels>
void tile_of(const TileInput& in, int32_t* sums) {
    static_assert(kTaps * sizeof(Elem) == 4, "a step is a dword of the panel");
    const char *p = nullptr, *q = nullptr;
    const int64_t* offsets = in.offsets;
    const TapWeight* w = in.weights;
    int64_t runs = in.runs, left = 0;
    const void* io = in.bias;
    const int64_t ps = in.pixel_bytes;
    asm volatile(CALOTYPE_PIXELS(CALOTYPE_INIT)
                 "1:\n\t"
                 "mov (%[offsets]), %[p]\n\t"
                 "add $8, %[offsets]\n\t"
                 "add %[base], %[p]\n\t"
                 "lea (%[p],%[ps],8), %[q]\n\t"
                 "mov %[steps], %[left]\n\t"
                 ".p2align 5\n\t"
                 "2:\n\t"
                 CALOTYPE_LOAD_WEIGHTS(0)
                 CALOTYPE_IF("%c[vectors] >= 2", CALOTYPE_LOAD_WEIGHTS(1))
                 CALOTYPE_IF("%c[vectors] >= 4", CALOTYPE_LOAD_WEIGHTS(2) CALOTYPE_LOAD_WEIGHTS(3))
                 CALOTYPE_PIXELS(CALOTYPE_STEP)
                 "add $4, %[p]\n\t"
                 CALOTYPE_IF("%c[pixels] > 8", "add $4, %[q]\n\t")
                 "add $%c[vectors]*%c[wide], %[w]\n\t"
                 "dec %[left]\n\t"
                 "jnz 2b\n\t"
                 "dec %[runs]\n\t"
                 "jnz 1b\n\t"
                 "mov %[sums], %[io]\n\t"
                 CALOTYPE_PIXELS(CALOTYPE_STORE)
                 : [p] "=&r"(p), [q] "=&r"(q), [offsets] "+&r"(offsets), [w] "+&r"(w), [runs] "+&r"(runs),
                   [left] "=&r"(left), [io] "+&r"(io)
                 : [base] "m"(in.pixel), [ps] "r"(ps), [ps3] "r"(3 * ps), [ps5] "r"(5 * ps), [ps7] "r"(7 * ps),
                   [steps] "m"(in.steps), [sums] "m"(sums), [vectors] "i"(kVectors), [pixels] "i"(kPixels),
                   [wide] "i"(sizeof(Wide))
                 : CALOTYPE_CLOBBERS, "memory", "cc");
}

/// The same for pixels in [1, tile_pixels(kVectors)].
template <int kVectors>
void tile(int64_t pixels, const TileInput& in, int32_t* sums) {
    const auto run = [&]<int... kLess>(std::integer_sequence<int, kLess...>) {
        static constexpr void (*kTiles[])(const TileInput&, int32_t*) = {tile_of<kVectors, kLess + 1>...};
        kTiles[pixels - 1](in, sums);
    };
    run(std::make_integer_sequence<int, tile_pixels(kVectors)>{});
}
