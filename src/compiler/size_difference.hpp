#pragma once

#include <string>

#include "compiler/front.hpp"

namespace calotype::compiler {

/// The node that runs on the NPU at one size and on the CPU at the other, or becomes other layers there; empty where the
/// split and its layers are the same.
std::string split_difference(const Front& a, const Front& b);

/// What ties a network to its size, seen by comparing it at two sizes of one split; empty where the first serves both.
std::string size_difference(const Front& a, const Front& b);

/// Bounds of crops that keep their distance from the axis' end at both sizes are counted from there, in both.
void count_crops_from_the_end(Front& a, Front& b);

}  // namespace calotype::compiler
