// DequantizeLinear(QuantizeLinear(x)) => x   x is made of codes of the same scale that were only moved, clamped at zero or
//                                      padded with it
// Exact: such codes stay as they are. Moves and Pads around it meet again.

#include "optimize/quantization_words.hpp"
#include "optimize/rewrite.hpp"

namespace calotype::optimize {
namespace {

bool holds_such_codes(const Graph& graph, ValueId x, const graph::LinearQuantization& stated) {
    const NodeId id = graph.producer(x);
    if (id == NodeId::none) return false;
    if (graph::is_dequantize(graph, id)) return graph::linear_quantization(graph, id) == stated;
    const bool zeros = is_op(graph, id, "Relu") || (is_op(graph, id, "Pad") && constant_fill(graph, id) == 0.0f);
    const size_t inputs = zeros ? 1 : moved_inputs(graph, id);
    for (size_t i = 0; i < inputs; ++i)
        if (!holds_such_codes(graph, graph.input(id, i), stated)) return false;
    return inputs > 0;
}

}  // namespace

Rewrite remove_repeated_quantize(Graph& graph, NodeId id) {
    const auto stated = graph::linear_quantization(graph, id);
    if (!stated || !graph::is_dequantize(graph, id)) return Rewrite::no_match();
    const NodeId quantize = graph.producer(graph.input(id, 0));
    if (quantize == NodeId::none || !graph::is_quantize(graph, quantize)) return Rewrite::no_match();
    if (graph::linear_quantization(graph, quantize) != stated) return Rewrite::no_match();
    const ValueId x = graph.input(quantize, 0);
    if (!holds_such_codes(graph, x, *stated)) return Rewrite::no_match();
    if (graph.is_output(graph.output(id)) && graph.is_output(x))
        return Rewrite::declined("it keeps the name of a graph output");
    absorb_behind(graph, graph.producer(x), id);
    graph.replace_uses(graph.output(id), x);
    graph.remove_node(id);
    return Rewrite::done();
}

}  // namespace calotype::optimize
