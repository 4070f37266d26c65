#include "dot_limit.hpp"

#include <algorithm>
#include <chrono>

namespace calotype::emulate {
namespace {

// Twelve chains hide the latency of every processor seen (4 or 5 cycles, at most 2 a cycle).
#define CALOTYPE_TWELVE(chain) \
    chain(0) chain(1) chain(2) chain(3) chain(4) chain(5) chain(6) chain(7) chain(8) chain(9) chain(10) chain(11)
#define CALOTYPE_VNNI(i) "vpdpbusd %%zmm30, %%zmm31, %%zmm" #i "\n\t"
#define CALOTYPE_MADD(i) "vpmaddwd %%ymm14, %%ymm15, %%ymm13\n\tvpaddd %%ymm13, %%ymm" #i ", %%ymm" #i "\n\t"
#define CALOTYPE_CLOBBERS \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm13"

constexpr int64_t kTurns = 1 << 18;

#define CALOTYPE_CHAINS(name, chain)                                                  \
    void name() {                                                                     \
        int64_t left = kTurns;                                                        \
        asm volatile("1:\n\t" CALOTYPE_TWELVE(chain) "dec %0\n\tjnz 1b\n\tvzeroupper" \
                     : "+r"(left)::CALOTYPE_CLOBBERS, "cc");                          \
    }
CALOTYPE_CHAINS(vnni, CALOTYPE_VNNI)
CALOTYPE_CHAINS(madd, CALOTYPE_MADD)

double best_gmacs(void (*chains)(), double macs_a_step) {
    double best_s = 1;
    for (int i = 0; i < 40; ++i) {
        const auto start = std::chrono::steady_clock::now();
        chains();
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        best_s = std::min(best_s, took.count());
    }
    return 12 * macs_a_step * kTurns / best_s / 1e9;
}

}  // namespace

double dot_limit_gmacs(KernelSet set) {
    switch (resolve(set)) {
        case KernelSet::avx512: return best_gmacs(vnni, 64);
        case KernelSet::avx2: return best_gmacs(madd, 16);
        default: return 0;
    }
}

}  // namespace calotype::emulate
