// Registers and instructions of the loops in generic/tile.inl.hpp and generic/depthwise_tile.inl.hpp. Loads stay behind
// the two vpdpbusd a cycle of Zen 5 and of Intel's servers; 14 or more accumulators hide its latency.

#define CALOTYPE_REGISTER(r) "%%zmm" #r
#define CALOTYPE_MOVE "vmovdqu64 "
#define CALOTYPE_WEIGHTS_0 "%%zmm24"
#define CALOTYPE_WEIGHTS_1 "%%zmm25"
#define CALOTYPE_WEIGHTS_2 "%%zmm26"
#define CALOTYPE_WEIGHTS_3 "%%zmm27"
#define CALOTYPE_BROADCAST "%%zmm31"
/// acc += weights * broadcast, or * what lies at the address.
#define CALOTYPE_DOT(weights, acc) "vpdpbusd " weights ", %%zmm31, " acc "\n\t"
#define CALOTYPE_DOT_AT(address, acc) "vmovdqu64 " address ", %%zmm31\n\t" CALOTYPE_DOT("%%zmm24", acc)
#define CALOTYPE_CLOBBERS                                                                                           \
    "zmm0", "zmm1", "zmm2", "zmm3", "zmm4", "zmm5", "zmm6", "zmm7", "zmm8", "zmm9", "zmm10", "zmm11", "zmm12",      \
        "zmm13", "zmm14", "zmm15", "zmm16", "zmm17", "zmm18", "zmm19", "zmm20", "zmm21", "zmm22", "zmm23", "zmm24", \
        "zmm25", "zmm26", "zmm27", "zmm31"
/// Pixel, address, accumulators: the first of any tile, the second of one 2 or 4 wide, the third and fourth.
// clang-format off
#define CALOTYPE_PIXELS(Do) \
    Do(0, "(%[p])", 0, 12, 6, 18) \
    Do(1, "(%[p],%[ps])", 1, 13, 7, 19) \
    Do(2, "(%[p],%[ps],2)", 2, 14, 8, 20) \
    Do(3, "(%[p],%[ps3])", 3, 15, 9, 21) \
    Do(4, "(%[p],%[ps],4)", 4, 16, 10, 22) \
    Do(5, "(%[p],%[ps5])", 5, 17, 11, 23) \
    Do(6, "(%[p],%[ps3],2)", 6, 18, , ) \
    Do(7, "(%[p],%[ps7])", 7, 19, , ) \
    Do(8, "(%[q])", 8, 20, , ) \
    Do(9, "(%[q],%[ps])", 9, 21, , ) \
    Do(10, "(%[q],%[ps],2)", 10, 22, , ) \
    Do(11, "(%[q],%[ps3])", 11, 23, , ) \
    Do(12, "(%[q],%[ps],4)", 12, , , ) \
    Do(13, "(%[q],%[ps5])", 13, , , ) \
    Do(14, "(%[q],%[ps3],2)", 14, , , ) \
    Do(15, "(%[q],%[ps7])", 15, , , )
// clang-format on
