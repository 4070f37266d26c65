#pragma once

#include <cstdint>
#include <string_view>

namespace calotype::emulate {

/// Which kernels may run. `automatic` takes the best this processor has; every set gives the same bits.
enum class KernelSet : uint8_t { automatic, reference, avx2, avx512 };

/// "auto", "reference", "avx2", "avx512". Throws Error OPTION_VALUE with the names there are.
KernelSet kernel_set(std::string_view name);
std::string_view name_of(KernelSet set);

/// The set to use: `automatic` resolved. Throws Error KERNELS_UNAVAILABLE where this processor lacks what a forced set
/// needs.
KernelSet resolve(KernelSet set);
/// Whether this processor can run the set.
bool available(KernelSet set);

}  // namespace calotype::emulate
