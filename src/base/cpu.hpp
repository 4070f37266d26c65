#pragma once

#include <string>

namespace calotype::cpu {

/// What this processor and its operating system can run, detected once.
bool has_avx2();         ///< AVX2 and FMA
bool has_avx512_vnni();  ///< AVX-512 F, BW, DQ, VL and VNNI
bool has_amx_int8();     ///< AMX tiles with INT8

/// "AVX2", "AVX-512 VNNI", "AVX-512 VNNI + AMX" or "baseline": stated beside every measured time.
std::string isa_name();

}  // namespace calotype::cpu
