// DequantizeLinear(f(q)) => f(DequantizeLinear(q))   f only moves, compares or leaves out elements; all inputs of a Concat
// DequantizeLinear(Pad(q, p, zero_point)) => Pad(DequantizeLinear(q), p, 0)
// Exact: the same elements are dequantized. A value's scale is so known where the value is made, and f meets the other
// rewrites as FP32. f only ever moves towards the outputs.

#include "optimize/quantization_words.hpp"
#include "optimize/rewrite.hpp"

namespace calotype::optimize {
namespace {

/// Whether a Pad of codes fills with what stands for zero.
bool pads_with_zeros(const Graph& graph, NodeId pad, const graph::LinearQuantization& stated) {
    if (!is_op(graph, pad, "Pad") || graph::string_attribute(graph.node(pad), "mode", "constant") != "constant")
        return false;
    if (!has_input(graph, pad, 2)) return stated.zero_point == 0;
    const ValueId fill = graph.input(pad, 2);
    if (!graph.is_constant(fill) || graph.value(fill).constant->elements() != 1) return false;
    return to_int64s(*graph.value(fill).constant).front() == stated.zero_point;
}

}  // namespace

Rewrite move_reals(Graph& graph, NodeId id) {
    const auto stated = graph::linear_quantization(graph, id);
    if (!stated || !graph::is_dequantize(graph, id)) return Rewrite::no_match();
    const NodeId move = graph.producer(graph.input(id, 0));
    if (move == NodeId::none) return Rewrite::no_match();
    const bool zeros = pads_with_zeros(graph, move, *stated);
    const size_t moved = zeros ? 1 : moved_inputs(graph, move);
    if (moved == 0) return Rewrite::no_match();
    if (!read_once(graph, graph.input(id, 0))) return Rewrite::declined("another reader needs the codes");
    for (size_t i = 0; i < moved; ++i)
        if (!known_dims(graph, graph.input(move, i))) return Rewrite::declined("the dims are known only at run time");
    NewOp f{graph.node(move).op, graph.node(move).inputs, graph.node(move).attributes};
    for (size_t i = 0; i < moved; ++i)
        f.inputs[i] = insert_dequantize(graph, id, f.inputs[i], graph.input(id, 1), graph.input(id, 2));
    if (zeros && has_input(graph, move, 2)) f.inputs[2] = add_floats(graph, graph.node(move).name + "/zero", {}, {0});
    absorb(graph, id, move);
    become(graph, id, std::move(f));
    return Rewrite::done();
}

}  // namespace calotype::optimize
