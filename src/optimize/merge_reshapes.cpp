// Reshape(Reshape(x)) => Reshape(x)   a Flatten being a Reshape
// Exact.

#include "optimize/reshape_words.hpp"
#include "optimize/rewrite.hpp"

namespace calotype::optimize {
namespace {

bool is_reshape(const Graph& graph, NodeId id) { return is_op(graph, id, "Reshape") || is_op(graph, id, "Flatten"); }

}  // namespace

Rewrite merge_reshapes(Graph& graph, NodeId id) {
    if (!is_reshape(graph, id)) return Rewrite::no_match();
    const NodeId inner = graph.producer(graph.input(id, 0));
    if (!is_reshape(graph, inner)) return Rewrite::no_match();
    if (!known_dims(graph, graph.input(inner, 0)) || !known_dims(graph, graph.output(id)))
        return Rewrite::declined("the dims are known only at run time");
    if (read_once(graph, graph.input(id, 0))) absorb(graph, id, inner);
    become_reshape(graph, id, graph.input(inner, 0));
    return Rewrite::done();
}

}  // namespace calotype::optimize
