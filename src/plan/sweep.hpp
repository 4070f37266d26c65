#pragma once

#include <vector>

#include "plan/memory.hpp"

namespace calotype::plan {

/// Places tensors in the order in which they begin, each in the smallest gap that holds it, as an allocator would: in
/// n log n, however many live together. Sizes are taken as they are.
std::vector<npu::Span> sweep(const std::vector<Lifetime>& tensors);

/// Pairs of tensors that live together, counted no further than `enough`.
int64_t pairs_alive(const std::vector<Lifetime>& tensors, int64_t enough);

}  // namespace calotype::plan
