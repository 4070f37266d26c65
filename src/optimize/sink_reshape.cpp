// f(Reshape(x)) => Reshape(f(x))   f works element by element; a Flatten likewise
// Exact: the same elements. An activation so meets the convolution before it, whose sums it takes unrounded, as in
// detection heads that cut their channels into boxes first.

#include "optimize/reshape_words.hpp"
#include "optimize/rewrite.hpp"
#include "optimize/transpose_words.hpp"

namespace calotype::optimize {

Rewrite sink_reshape(Graph& graph, NodeId id) {
    if (!is_elementwise_of_one(graph, id)) return Rewrite::no_match();
    const NodeId reshape = graph.producer(graph.input(id, 0));
    if (!is_op(graph, reshape, "Reshape") && !is_op(graph, reshape, "Flatten")) return Rewrite::no_match();
    const ValueId x = graph.input(reshape, 0);
    const auto dims = known_dims(graph, x);
    if (!dims || !known_dims(graph, graph.output(id))) return Rewrite::declined("the dims are known only at run time");
    if (graph.producer(x) == NodeId::none) return Rewrite::no_match();  // nothing there to meet
    if (!read_once(graph, graph.input(id, 0))) return Rewrite::declined("another reader needs the reshaped value");
    NewOp f{graph.node(id).op, graph.node(id).inputs, graph.node(id).attributes};
    f.inputs[0] = x;
    const ValueId y = insert(graph, id, std::move(f), graph.value(graph.output(id)).type, *dims);
    become_reshape(graph, id, y);
    return Rewrite::done();
}

}  // namespace calotype::optimize
