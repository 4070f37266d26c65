// MatMul(x [n, in], W [in, out]) => Gemm(x, W)   for a constant W
// Exact. plain_gemm turns the weights over.

#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {

Rewrite matmul_to_gemm(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "MatMul")) return Rewrite::no_match();
    const ValueId x = graph.input(id, 0), weights = graph.input(id, 1);
    if (!floats(graph, weights) || graph.is_constant(x))
        return Rewrite::declined("both factors are computed at run time");
    const auto dims = known_dims(graph, x);
    if (!dims || dims->size() != 2) return Rewrite::declined("the input has not the two axes [batch, features]");
    if (graph.value(weights).constant->dims().size() != 2) return Rewrite::declined("the weights are no matrix");
    become(graph, id, {"Gemm", {x, weights}});
    return Rewrite::done();
}

}  // namespace calotype::optimize
