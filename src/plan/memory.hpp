#pragma once

#include <cstdint>
#include <vector>

#include "npu/program.hpp"

namespace calotype::plan {

/// A tensor that lives from step `first` to step `last`, both included.
struct Lifetime {
    int64_t size_bytes = 0;
    int64_t first = 0, last = 0;
};

struct MemoryPlan {
    std::vector<npu::Span> placement;
    int64_t arena_bytes = 0;
    int64_t lower_bound_bytes = 0;  ///< largest sum of what lives at one step
};

inline constexpr int64_t kAlignmentBytes = 64;  // one vector load of the widest kernels

/// Places tensors so that those alive together do not overlap. Best fit in several orders, then a bounded search that
/// moves tensors forward in the order; where more than a million pairs live together, a sweep (plan/sweep.hpp). The same
/// result on every machine. Sizes round up to the alignment, in the bound
/// too.
MemoryPlan place(const std::vector<Lifetime>& tensors);

}  // namespace calotype::plan
