#pragma once

#include "optimize/words.hpp"

namespace calotype::optimize {

/// Makes the node a Reshape of x to the dims its output has. The batch is written as 0 (as x has it) where it stays.
/// Needs concrete dims on both sides.
void become_reshape(Graph& graph, NodeId id, ValueId x);

}  // namespace calotype::optimize
