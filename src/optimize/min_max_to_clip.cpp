// Max(x, c) => Clip(x, c, inf),   Min(x, c) => Clip(x, -inf, c)   for a scalar constant c
// Exact.

#include <cmath>

#include "optimize/clip_words.hpp"
#include "optimize/rewrite.hpp"

namespace calotype::optimize {

Rewrite min_max_to_clip(Graph& graph, NodeId id) {
    const bool is_max = is_op(graph, id, "Max");
    if ((!is_max && !is_op(graph, id, "Min")) || graph.node(id).inputs.size() != 2) return Rewrite::no_match();
    const size_t bound_index = graph.is_constant(graph.input(id, 0)) ? 0 : 1;
    const ValueId x = graph.input(id, 1 - bound_index);
    if (!graph.is_constant(graph.input(id, bound_index)) || !is_float32(graph, x)) return Rewrite::no_match();
    const auto bound = scalar(graph, graph.input(id, bound_index));
    if (!bound || std::isnan(*bound)) return Rewrite::declined("the bound is not one number");
    if (!known_dims(graph, x) || known_dims(graph, x) != known_dims(graph, graph.output(id)))
        return Rewrite::declined("the bound has more dims than what it bounds");
    become_clip(graph, id, x, is_max ? Bounds{.lo = *bound} : Bounds{.hi = *bound});
    return Rewrite::done();
}

}  // namespace calotype::optimize
