// 0.5 * x * (1 + Erf(x / sqrt(2)))                                   => Gelu(x)
// 0.5 * x * (1 + Tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))          => Gelu(x; approximate = tanh)
// in whatever way the products and sums are nested. Exact in real numbers. Constants are known by three digits.

#include <cmath>
#include <numbers>

#include "optimize/polynomial.hpp"
#include "optimize/rewrite.hpp"

namespace calotype::optimize {
namespace {

const Polynomial kWhole{{{1, 0}, 0.5}, {{1, 1}, 0.5}};
const Polynomial kOfErf{{{1, 0}, std::sqrt(0.5)}};
const Polynomial kOfTanh{{{1, 0}, std::sqrt(2 / std::numbers::pi)},
                         {{3, 0}, 0.044715 * std::sqrt(2 / std::numbers::pi)}};

bool alike(std::optional<Polynomial> a, const Polynomial& b) { return a && optimize::alike(*a, b); }

}  // namespace

Rewrite gelu_from_parts(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Mul") && !is_op(graph, id, "Add") && !is_op(graph, id, "Div")) return Rewrite::no_match();
    const ValueId y = graph.output(id);
    const auto dims = known_dims(graph, y);
    if (!dims || !is_float32(graph, y)) return Rewrite::no_match();
    for (const ValueId gate : parts_of(graph, y)) {
        const NodeId gate_id = graph.producer(gate);
        const bool erf = is_op(graph, gate_id, "Erf");
        if (!erf && !is_op(graph, gate_id, "Tanh")) continue;
        for (const ValueId x : parts_of(graph, gate_id == NodeId::none ? y : graph.input(gate_id, 0))) {
            PolynomialReader reader(graph, x, gate);
            if (known_dims(graph, x) != dims || !alike(reader.read(graph.input(gate_id, 0)), erf ? kOfErf : kOfTanh) ||
                !alike(reader.read(y), kWhole))
                continue;
            absorb(graph, id, gate_id);
            for (const NodeId part : reader.nodes())
                if (part != id) absorb(graph, id, part);
            become(graph, id, {"Gelu", {x}, {{"approximate", std::string(erf ? "none" : "tanh")}}});
            return Rewrite::done();
        }
    }
    return Rewrite::no_match();
}

}  // namespace calotype::optimize
