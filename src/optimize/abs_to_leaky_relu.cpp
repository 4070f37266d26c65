// Abs(x) => LeakyRelu(x, alpha = -1)
// Exact: the slope below zero is -1. It is piecewise linear as any LeakyReLU is.

#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {

Rewrite abs_to_leaky_relu(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Abs")) return Rewrite::no_match();
    const ValueId x = graph.input(id, 0);
    if (!is_float32(graph, x)) return Rewrite::declined("it is not of float32");
    become(graph, id, {"LeakyRelu", {x}, {{"alpha", -1.0F}}});
    return Rewrite::done();
}

}  // namespace calotype::optimize
