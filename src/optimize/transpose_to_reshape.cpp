// Transpose(x, p) => Reshape(x)   where the axes longer than 1 keep their order
// Exact.

#include "optimize/reshape_words.hpp"
#include "optimize/rewrite.hpp"
#include "optimize/transpose_words.hpp"

namespace calotype::optimize {

Rewrite transpose_to_reshape(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Transpose")) return Rewrite::no_match();
    const auto dims = known_dims(graph, graph.input(id, 0));
    if (!dims || !known_dims(graph, graph.output(id))) return Rewrite::no_match();
    int64_t last_long_axis = -1;
    for (const int64_t axis : perm_of(graph, id)) {
        if ((*dims)[static_cast<size_t>(axis)] == 1) continue;
        if (axis < last_long_axis) return Rewrite::no_match();
        last_long_axis = axis;
    }
    become_reshape(graph, id, graph.input(id, 0));
    return Rewrite::done();
}

}  // namespace calotype::optimize
