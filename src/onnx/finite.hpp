#pragma once

#include "graph/graph.hpp"

namespace calotype::onnx {

/// Refuses constants and attributes with which nothing can be computed. NaN: nowhere. An infinity: not in what a node
/// multiplies with or normalizes by (weights, biases, slopes, statistics, scales), not even behind operators that only
/// move it; it stays where it is an open bound or a mask (Clip, Min, Max, Pad, Where, -inf in Add, and other
/// operators). Throws Error WEIGHT_NOT_FINITE with the tensor's name and the first index.
void refuse_not_finite(const graph::Graph& graph);

}  // namespace calotype::onnx
