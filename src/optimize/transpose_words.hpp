#pragma once

#include <vector>

#include "optimize/words.hpp"

namespace calotype::optimize {

/// perm of a Transpose; reversed axes where the file leaves it out. Output axis i is input axis perm[i].
std::vector<int64_t> perm_of(const Graph& graph, NodeId id);

}  // namespace calotype::optimize
