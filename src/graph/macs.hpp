#pragma once

#include <optional>

#include "graph/graph.hpp"

namespace calotype::graph {

/// MACs of a node for one run of the model's batch, 0 where it is no product of matrices.
int64_t macs_of(const Graph& graph, NodeId id);

/// How many samples the values hold that the convolutions read: the size of axis 0 with which most multiplications are
/// done. It is that of the first input that has axes, but where a picture comes without a batch ([H, W, 3],
/// [3, H, W]) or frames are put into it ([1, T, 3, H, W] read as [T, 3, H, W]). A product with a constant matrix brings
/// no size of its own, as its rows may be all samples' steps: it counts for the inputs', for its own and for 1. Nothing
/// where no input has axes of known size.
std::optional<int64_t> batch_of(const Graph& graph);

}  // namespace calotype::graph
