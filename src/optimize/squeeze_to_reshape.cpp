// Squeeze(x), Unsqueeze(x) => Reshape(x)
// Exact.

#include "base/error.hpp"
#include "optimize/reshape_words.hpp"
#include "optimize/rewrite.hpp"

namespace calotype::optimize {

void become_reshape(Graph& graph, NodeId id, ValueId x) {
    const auto from = known_dims(graph, x), to = known_dims(graph, graph.output(id));
    CALOTYPE_ASSERT(from && to, "a Reshape is made between known dims");
    Dims shape = *to;
    if (!from->empty() && !to->empty() && from->front() == to->front()) shape.front() = 0;
    const ValueId target = add_integers(graph, graph.node(id).name + "/shape", shape);
    become(graph, id, {"Reshape", {x, target}});
}

Rewrite squeeze_to_reshape(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Squeeze") && !is_op(graph, id, "Unsqueeze")) return Rewrite::no_match();
    if (!known_dims(graph, graph.input(id, 0)) || !known_dims(graph, graph.output(id)))
        return Rewrite::declined("the dims are known only at run time");
    become_reshape(graph, id, graph.input(id, 0));
    return Rewrite::done();
}

}  // namespace calotype::optimize
