// Reshape(x [n, ...] to [n, m]) => Flatten(x, axis 1)
// Exact. A Flatten holds no constant that came from a shape, so the network may run at another height or width.

#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {

Rewrite reshape_to_flatten(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Reshape")) return Rewrite::no_match();
    const auto from = known_dims(graph, graph.input(id, 0)), to = known_dims(graph, graph.output(id));
    if (!from || !to) return Rewrite::declined("the dims are known only at run time");
    if (from->size() < 2 || to->size() != 2 || from->front() != to->front()) return Rewrite::no_match();
    become(graph, id, {"Flatten", {graph.input(id, 0)}, {{"axis", int64_t{1}}}});
    return Rewrite::done();
}

}  // namespace calotype::optimize
