#include "base/cpu.hpp"

#include <gtest/gtest.h>

namespace calotype {
namespace {

TEST(Cpu, LargerSetsContainSmallerOnes) {
    EXPECT_TRUE(!cpu::has_amx_int8() || cpu::has_avx512_vnni());
    EXPECT_TRUE(!cpu::has_avx512_vnni() || cpu::has_avx2());
#if defined(__x86_64__)
    // The compiler's own detection is a second opinion.
    EXPECT_EQ(cpu::has_avx2(), __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
    EXPECT_EQ(cpu::has_avx512_vnni(), __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512dq") &&
                                          __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"));
#endif
    EXPECT_EQ(cpu::isa_name() == "baseline", !cpu::has_avx2());
}

}  // namespace
}  // namespace calotype
