// Clip(x, 0, inf) => Relu(x)
// Exact. An upper bound of the largest float32, as exporters write it, is none.

#include "optimize/clip_words.hpp"
#include "optimize/rewrite.hpp"

namespace calotype::optimize {

Rewrite clip_to_relu(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Clip")) return Rewrite::no_match();
    const auto bounds = bounds_of(graph, id);
    if (!bounds || bounds->lo != 0 || bounds->hi < std::numeric_limits<float>::max()) return Rewrite::no_match();
    become(graph, id, {"Relu", {graph.input(id, 0)}});
    return Rewrite::done();
}

}  // namespace calotype::optimize
