#pragma once

#include <string>

#include "compiler/front.hpp"

namespace calotype::compiler {

/// The node that runs on the NPU at one size and on the CPU at the other; empty where the split is the same.
std::string split_difference(const Front& a, const Front& b);

/// The node of the optimized model that is there at one of the sizes alone; empty where there is none.
std::string node_of_one_size(const Front& a, const Front& b);

/// The node that becomes other layers at the other size, of one split; empty where there is none.
std::string other_layers(const Front& a, const Front& b);

/// What ties a network to its size, seen by comparing it at two sizes of the same layers; empty where the first serves both.
std::string size_difference(const Front& a, const Front& b);

/// A window whose padding follows what its stride leaves over (auto_pad SAME, ceil_mode) where that may be another at
/// sizes `step` apart; empty where there is none. Two sizes alone may happen to leave over the same.
std::string remainder_difference(const Front& a, const Front& b, int64_t step);

/// Bounds of crops that keep their distance from the axis' end at both sizes are counted from there, in both.
void count_crops_from_the_end(Front& a, Front& b);

}  // namespace calotype::compiler
