#include "base/cpu.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#include <cstdint>
#endif

namespace calotype::cpu {
namespace {

struct Features {
    bool avx2 = false;
    bool avx512_vnni = false;
    bool amx_int8 = false;
};

#if defined(__x86_64__)
/// The register states that the operating system saves (XCR0): without them the instructions fault.
uint64_t saved_states() {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0 || (ecx & bit_OSXSAVE) == 0) return 0;
    unsigned low = 0, high = 0;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));  // _xgetbv would need a target region
    return (static_cast<uint64_t>(high) << 32) | low;
}

Features detect() {
    constexpr uint64_t kAvxState = 0x6;                           // XMM, upper YMM
    constexpr uint64_t kAvx512State = 0xe6;                       // also opmask, upper ZMM, ZMM16-31
    constexpr uint64_t kAmxState = 0x60000;                       // tile configuration, tile data
    constexpr unsigned kAmxInt8 = 1u << 25, kAmxTile = 1u << 24;  // leaf 7, EDX
    Features found;
    const uint64_t states = saved_states();
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0) return found;
    const bool fma = (ecx & bit_FMA) != 0;
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return found;
    constexpr unsigned kAvx512 = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
    found.avx2 = fma && (ebx & bit_AVX2) != 0 && (states & kAvxState) == kAvxState;
    found.avx512_vnni = found.avx2 && (ebx & kAvx512) == kAvx512 && (ecx & bit_AVX512VNNI) != 0 &&
                        (states & kAvx512State) == kAvx512State;
    found.amx_int8 =
        found.avx512_vnni && (edx & kAmxInt8) != 0 && (edx & kAmxTile) != 0 && (states & kAmxState) == kAmxState;
    return found;
}
#else
Features detect() { return {}; }
#endif

const Features& features() {
    static const Features found = detect();
    return found;
}

}  // namespace

bool has_avx2() { return features().avx2; }
bool has_avx512_vnni() { return features().avx512_vnni; }
bool has_amx_int8() { return features().amx_int8; }

std::string isa_name() {
    if (has_amx_int8()) return "AVX-512 VNNI + AMX";
    if (has_avx512_vnni()) return "AVX-512 VNNI";
    return has_avx2() ? "AVX2" : "baseline";
}

}  // namespace calotype::cpu
