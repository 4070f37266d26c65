// Sub(x, c) => Add(x, -c)   for a FLOAT32 constant c
// Exact: IEEE 754 defines x - c as x + (-c).

#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {

Rewrite sub_to_add(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Sub")) return Rewrite::no_match();
    const auto subtrahend = floats(graph, graph.input(id, 1));
    if (!subtrahend) return Rewrite::no_match();
    std::vector<double> negated;
    for (const float x : *subtrahend) negated.push_back(-x);
    const auto& old = graph.value(graph.input(id, 1));
    const ValueId summand = add_floats(graph, old.name, old.constant->dims(), negated);
    become(graph, id, {"Add", {graph.input(id, 0), summand}});
    return Rewrite::done();
}

}  // namespace calotype::optimize
