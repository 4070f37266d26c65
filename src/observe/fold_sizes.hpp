#pragma once

#include <vector>

#include "graph/graph.hpp"
#include "ort/session.hpp"

namespace calotype::observe {

/// Computes what decides sizes (the ends of a Range, the shape of an Expand, repeats, pads) where only constants and
/// known dims go into it, so that the sizes are known before anything large is made: ONNX infers such values through
/// a few operators on whole numbers alone. `outputs` are those of a session of the graph that shows every value. Only
/// what is small, read and written, is looked at. Nodes read such constants then; those that made the values stay, and
/// so do the outputs. True where some did, which may tell more sizes. Throws what ONNX Runtime says of the nodes.
bool fold_sizes(graph::Graph& graph, const ort::Library& library, const std::vector<ort::Info>& outputs);

}  // namespace calotype::observe
