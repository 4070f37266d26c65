#pragma once

#include "graph/linear_quantization.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {

/// Inputs of a node that only moves the elements of its first inputs (Concat: of all), compares them or leaves some out:
/// their number. 0 for any other node. Codes and reals may be moved alike.
size_t moved_inputs(const Graph& graph, NodeId id);

/// DequantizeLinear(codes, scale, zero_point), placed before `before`. Along `axis` where there are several scales.
ValueId insert_dequantize(Graph& graph, NodeId before, ValueId codes, ValueId scale, ValueId zero_point,
                          int64_t axis = 1);

}  // namespace calotype::optimize
