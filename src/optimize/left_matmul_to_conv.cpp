// MatMul(W [out, in], x [n, in, steps]) => Conv(x, W [out, in, 1])   for a constant W
// Exact in real numbers. A matrix on the left mixes the channels of each step; one over the last axis is
// linear_to_conv's.

#include "graph/macs.hpp"
#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {

Rewrite left_matmul_to_conv(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "MatMul")) return Rewrite::no_match();
    const ValueId matrix = graph.input(id, 0), x = graph.input(id, 1);
    const auto weights = floats(graph, matrix);
    if (!weights || graph.is_constant(x)) return Rewrite::no_match();
    const auto dims = known_dims(graph, x);
    Dims of_matrix = graph.value(matrix).constant->dims();
    if (of_matrix.size() == 3 && of_matrix[0] == 1) of_matrix.erase(of_matrix.begin());
    if (of_matrix.size() != 2) return Rewrite::declined("the first factor is no matrix");
    if (!dims || dims->size() != 3) return Rewrite::declined("the input has not the axes [batch, channels, steps]");
    if (graph::batch_of(graph).value_or(dims->front()) != dims->front())
        return Rewrite::declined("its first axis is not the batch");
    const ValueId filter = add_floats(graph, graph.value(matrix).name, {of_matrix[0], of_matrix[1], 1},
                                      {weights->begin(), weights->end()});
    become(graph, id, {"Conv", {x, filter}, {{"kernel_shape", std::vector<int64_t>{1}}}});
    return Rewrite::done();
}

}  // namespace calotype::optimize
