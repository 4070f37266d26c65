// The depthwise kernel's inner loop: kBlocks blocks of outputs that share every load of weights; in assembler as
// tile.inl.hpp. Accumulators are numbered [block][wide].

#define CALOTYPE_BLOCKS(a, b, c, d)                                                             \
    CALOTYPE_DOT_AT("(%[x])", CALOTYPE_REGISTER(a))                                             \
    CALOTYPE_IF("%c[blocks] > 1", CALOTYPE_DOT_AT("(%[x],%[advance])", CALOTYPE_REGISTER(b)))   \
    CALOTYPE_IF("%c[blocks] > 2", CALOTYPE_DOT_AT("(%[x],%[advance],2)", CALOTYPE_REGISTER(c))) \
    CALOTYPE_IF("%c[blocks] > 3", CALOTYPE_DOT_AT("(%[x],%[advance3])", CALOTYPE_REGISTER(d)))
#define CALOTYPE_EACH_BLOCK(Each)                                                        \
    Each(0, 0) Each(1, 1) Each(2, 2) Each(3, 3)                                          \
        CALOTYPE_IF("%c[blocks] > 1", Each(0, 4) Each(1, 5) Each(2, 6) Each(3, 7))       \
            CALOTYPE_IF("%c[blocks] > 2", Each(0, 8) Each(1, 9) Each(2, 10) Each(3, 11)) \
                CALOTYPE_IF("%c[blocks] > 3", Each(0, 12) Each(1, 13) Each(2, 14) Each(3, 15))
#define CALOTYPE_LOAD_TAP(v) CALOTYPE_MOVE #v "*%c[wide](%[w]), " CALOTYPE_WEIGHTS_0 "\n\t"
#define CALOTYPE_LOAD_WIDE(v, r) CALOTYPE_MOVE #v "*%c[wide](%[io]), " CALOTYPE_REGISTER(r) "\n\t"
#define CALOTYPE_STORE_WIDE(v, r) CALOTYPE_MOVE CALOTYPE_REGISTER(r) ", " #r "*%c[wide](%[io])\n\t"

/// Block b lies b * advance behind the first.
template <int kBlocks>
void depthwise_tile_of(const DepthwiseInput& in, int32_t* sums) {
    const char *at = nullptr, *x = nullptr;
    const int64_t* taps = in.taps;
    const TapWeight* w = in.weights;
    int64_t left = in.steps;
    const void* io = in.bias;
    asm volatile(CALOTYPE_EACH_BLOCK(CALOTYPE_LOAD_WIDE)
                 ".p2align 5\n\t"
                 "1:\n\t"
                 "mov (%[taps]), %[at]\n\t"
                 "add $8, %[taps]\n\t"
                 "add %[panel], %[at]\n\t"
                 CALOTYPE_LOAD_TAP(0) "mov %[at], %[x]\n\t" CALOTYPE_BLOCKS(0, 4, 8, 12)
                 CALOTYPE_LOAD_TAP(1) "lea (%[at],%[v1]), %[x]\n\t" CALOTYPE_BLOCKS(1, 5, 9, 13)
                 CALOTYPE_LOAD_TAP(2) "lea (%[at],%[v2]), %[x]\n\t" CALOTYPE_BLOCKS(2, 6, 10, 14)
                 CALOTYPE_LOAD_TAP(3) "lea (%[at],%[v3]), %[x]\n\t" CALOTYPE_BLOCKS(3, 7, 11, 15)
                 "add $4*%c[wide], %[w]\n\t"
                 "dec %[left]\n\t"
                 "jnz 1b\n\t"
                 "mov %[sums], %[io]\n\t"
                 CALOTYPE_EACH_BLOCK(CALOTYPE_STORE_WIDE)
                 : [at] "=&r"(at), [x] "=&r"(x), [taps] "+&r"(taps), [w] "+&r"(w), [left] "+&r"(left), [io] "+&r"(io)
                 : [panel] "r"(in.panel), [advance] "r"(in.advance), [advance3] "r"(3 * in.advance),
                   [v1] "r"(in.wides[0]), [v2] "r"(in.wides[1]), [v3] "r"(in.wides[2]), [sums] "m"(sums),
                   [blocks] "i"(kBlocks), [wide] "i"(sizeof(Wide))
                 : CALOTYPE_CLOBBERS, "memory", "cc");
}

/// sums[block][kBlock] = bias + products, blocks in [1, kDepthwiseBlocks].
inline void depthwise_tile(int64_t blocks, const DepthwiseInput& in, int32_t* sums) {
    const auto run = [&]<int... kLess>(std::integer_sequence<int, kLess...>) {
        static constexpr void (*kTiles[])(const DepthwiseInput&, int32_t*) = {depthwise_tile_of<kLess + 1>...};
        kTiles[blocks - 1](in, sums);
    };
    run(std::make_integer_sequence<int, kDepthwiseBlocks>{});
}
