// Mul(Conv(x, W, b), k) => Conv(x, W * k, b * k)
// Add(Conv(x, W, b), c) => Conv(x, W, b + c)         k and c constant [out]. Likewise after Gemm.
// Exact in real numbers; computed in float64 and rounded once. Needs fold_constants, plain_gemm.

#include "optimize/affine.hpp"

namespace calotype::optimize {

Rewrite fold_scale_and_bias(Graph& graph, NodeId id) {
    const auto affine = constant_scale_or_bias(graph, id);
    return affine ? fold_into_producer(graph, id, *affine) : Rewrite::no_match();
}

}  // namespace calotype::optimize
