// DequantizeLinear(q), DequantizeLinear(q) => one of them, where both mean the same
// Exact. Quantizers give each reader its own; what moves q can then be moved once.

#include "optimize/quantization_words.hpp"
#include "optimize/rewrite.hpp"

namespace calotype::optimize {

Rewrite merge_equal_dequantize(Graph& graph, NodeId id) {
    const auto stated = graph::linear_quantization(graph, id);
    if (!stated || !graph::is_dequantize(graph, id)) return Rewrite::no_match();
    for (const NodeId other : graph.readers(graph.input(id, 0))) {
        if (other == id || !graph::is_dequantize(graph, other) || graph.is_output(graph.output(other))) continue;
        if (graph::linear_quantization(graph, other) != stated) continue;
        graph.replace_uses(graph.output(other), graph.output(id));
        graph.remove_node(other);
        return Rewrite::done();
    }
    return Rewrite::no_match();
}

}  // namespace calotype::optimize
