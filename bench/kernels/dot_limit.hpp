#pragma once

#include "emulate/kernel_set.hpp"

namespace calotype::emulate {

/// GMAC/s of one core's exact INT8 dot products with every operand in a register: what no kernel of the set can pass.
/// 0 for the reference, which has no such limit worth a name.
double dot_limit_gmacs(KernelSet set);

}  // namespace calotype::emulate
