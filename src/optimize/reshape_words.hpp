#pragma once

#include "optimize/words.hpp"

namespace calotype::optimize {

/// Makes the node a Reshape of x to the dims its output has. Axes that stay are written as 0 (as x has them), one other as
/// -1.
/// Needs concrete dims on both sides.
void become_reshape(Graph& graph, NodeId id, ValueId x);

}  // namespace calotype::optimize
