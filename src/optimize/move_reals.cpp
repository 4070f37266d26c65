// DequantizeLinear(f(q)) => f(DequantizeLinear(q))   f only moves, compares or leaves out elements; all inputs of a Concat
// Exact: the same elements are dequantized. A value's scale is so known where the value is made, and f meets the other
// rewrites as FP32. f only ever moves towards the outputs.

#include "optimize/quantization_words.hpp"
#include "optimize/rewrite.hpp"

namespace calotype::optimize {

Rewrite move_reals(Graph& graph, NodeId id) {
    if (!graph::is_dequantize(graph, id) || !graph::linear_quantization(graph, id)) return Rewrite::no_match();
    const NodeId move = graph.producer(graph.input(id, 0));
    const size_t moved = move == NodeId::none ? 0 : moved_inputs(graph, move);
    if (moved == 0) return Rewrite::no_match();
    if (!read_once(graph, graph.input(id, 0))) return Rewrite::declined("another reader needs the codes");
    for (size_t i = 0; i < moved; ++i)
        if (!known_dims(graph, graph.input(move, i))) return Rewrite::declined("the dims are known only at run time");
    NewOp f{graph.node(move).op, graph.node(move).inputs, graph.node(move).attributes};
    for (size_t i = 0; i < moved; ++i)
        f.inputs[i] = insert_dequantize(graph, id, f.inputs[i], graph.input(id, 1), graph.input(id, 2));
    absorb(graph, id, move);
    become(graph, id, std::move(f));
    return Rewrite::done();
}

}  // namespace calotype::optimize
