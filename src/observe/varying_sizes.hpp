#pragma once

#include <set>
#include <vector>

#include "graph/graph.hpp"
#include "ort/session.hpp"

namespace calotype::observe {

/// What follows from the shapes of the inputs, and what hangs on their contents.
struct Followed {
    std::set<graph::ValueId> fixed;    ///< the same for every content
    std::set<graph::ValueId> varying;  ///< whose size is another for another content, as of what NonZero makes
};

/// `outputs`: values whose dims ONNX Runtime may know, which then vary for no content. Loops count as nodes that keep
/// sizes, unless their bodies hold an operator whose sizes hang on contents.
Followed follow_sizes(const graph::Graph& graph, const std::vector<ort::Info>& outputs);

}  // namespace calotype::observe
