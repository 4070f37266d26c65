// Div(x, c) => Mul(x, 1 / c)   for a FLOAT32 constant c
// Exact in real numbers; the reciprocal rounds once, so the last bit of the quotient may move.

#include <algorithm>
#include <cmath>

#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {

Rewrite div_to_mul(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Div")) return Rewrite::no_match();
    const auto divisor = floats(graph, graph.input(id, 1));
    if (!divisor) return Rewrite::no_match();
    for (const NodeId reader : graph.readers(graph.output(id)))
        if (is_op(graph, reader, "Erf"))
            return Rewrite::declined("it belongs to a GELU, which is recognised as written");
    std::vector<double> factor;
    for (const float x : *divisor) factor.push_back(1.0 / x);
    if (std::ranges::any_of(factor, [](double x) { return !std::isnormal(static_cast<float>(x)); }))
        return Rewrite::declined("a reciprocal leaves the range of float32");
    const auto& old = graph.value(graph.input(id, 1));
    const ValueId multiplier = add_floats(graph, old.name, old.constant->dims(), factor);
    become(graph, id, {"Mul", {graph.input(id, 0), multiplier}});
    return Rewrite::done();
}

}  // namespace calotype::optimize
