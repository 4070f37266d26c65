// Squeeze(x), Unsqueeze(x) => Reshape(x)
// Exact.

#include "base/error.hpp"
#include "optimize/reshape_words.hpp"
#include "optimize/rewrite.hpp"

namespace calotype::optimize {

namespace {

/// What stays in its place is written as 0, and one other axis as -1: a [1, T, C] that becomes [T, 1, C] does so for
/// every T. What this says of another size is compared with the model there (compiler/size_difference).
std::vector<int64_t> target_of(const Dims& from, const Dims& to) {
    std::vector<int64_t> target = to;
    bool one_is_left_open = false;
    for (size_t i = 0; i < to.size(); ++i) {
        if (i < from.size() && from[i] == to[i]) {
            target[i] = 0;
        } else if (to[i] > 1 && !one_is_left_open) {
            target[i] = -1;
            one_is_left_open = true;
        }
    }
    return target;
}

}  // namespace

void become_reshape(Graph& graph, NodeId id, ValueId x) {
    const auto from = known_dims(graph, x), to = known_dims(graph, graph.output(id));
    CALOTYPE_ASSERT(from && to, "a Reshape is made between known dims");
    const ValueId target = add_integers(graph, graph.node(id).name + "/shape", target_of(*from, *to));
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
