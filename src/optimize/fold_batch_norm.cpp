// BatchNormalization(Conv(x, W, b)) => Conv(x, W * k, (b - mean) * k + beta)
// k = gamma / sqrt(variance + epsilon) [out]. Likewise after Gemm.
// Exact in real numbers; computed in float64 and rounded once. Needs fold_constants, plain_gemm.

#include "optimize/affine.hpp"

namespace calotype::optimize {

Rewrite fold_batch_norm(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "BatchNormalization")) return Rewrite::no_match();
    const auto affine = constant_batch_norm(graph, id);
    if (!affine) return Rewrite::declined("a statistic is computed at run time");
    return fold_into_producer(graph, id, *affine);
}

}  // namespace calotype::optimize
