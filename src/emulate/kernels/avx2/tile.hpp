// Registers and instructions of the loops in generic/tile.inl.hpp and generic/depthwise_tile.inl.hpp. Weights are int16
// as the panel is: widening them on load costs a tenth (measured).

#define CALOTYPE_REGISTER(r) "%%ymm" #r
#define CALOTYPE_MOVE "vmovdqu "
#define CALOTYPE_WEIGHTS_0 "%%ymm12"
#define CALOTYPE_WEIGHTS_1 "%%ymm13"
#define CALOTYPE_WEIGHTS_2 ""
#define CALOTYPE_WEIGHTS_3 ""
#define CALOTYPE_BROADCAST "%%ymm14"
/// acc += weights * broadcast, or * what lies at the address.
#define CALOTYPE_DOT(weights, acc) "vpmaddwd " weights ", %%ymm14, %%ymm15\n\tvpaddd %%ymm15, " acc ", " acc "\n\t"
#define CALOTYPE_DOT_AT(address, acc) "vpmaddwd " address ", %%ymm12, %%ymm15\n\tvpaddd %%ymm15, " acc ", " acc "\n\t"
#define CALOTYPE_CLOBBERS                                                                                      \
    "ymm0", "ymm1", "ymm2", "ymm3", "ymm4", "ymm5", "ymm6", "ymm7", "ymm8", "ymm9", "ymm10", "ymm11", "ymm12", \
        "ymm13", "ymm14", "ymm15"
/// Pixel, address, accumulators.
// clang-format off
#define CALOTYPE_PIXELS(Do) \
    Do(0, "(%[p])", 0, 6, , ) \
    Do(1, "(%[p],%[ps])", 1, 7, , ) \
    Do(2, "(%[p],%[ps],2)", 2, 8, , ) \
    Do(3, "(%[p],%[ps3])", 3, 9, , ) \
    Do(4, "(%[p],%[ps],4)", 4, 10, , ) \
    Do(5, "(%[p],%[ps5])", 5, 11, , )
// clang-format on
