#pragma once

#include "compiler/front.hpp"

namespace calotype::compiler {

/// Sizes that a node of a CPU part takes from the shape of another value (a Resize to the size of a map, the target of
/// a Reshape) are constants of the front's graph, as all that came from shapes. In the part they are computed again, by
/// the file's own nodes, so that it serves every size; the value whose shape they read becomes an input of the part
/// where it is not in it. What has no such value at hand keeps its constant. On the NPU a pooled map that is spread to
/// the size of another one follows that one.
void compute_sizes_in_parts(Front& front);

}  // namespace calotype::compiler
