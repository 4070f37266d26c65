// x * Clip(x + 3, 0, 6) / 6,   x * HardSigmoid(x; 1 / 6, 1 / 2) => HardSwish(x)
// in whatever way the products are nested. Exact in real numbers. Constants are known by three digits.

#include <cmath>

#include "optimize/clip_words.hpp"
#include "optimize/polynomial.hpp"
#include "optimize/rewrite.hpp"

namespace calotype::optimize {
namespace {

/// What the gate is of x, and what the whole then is of x and the gate.
struct Form {
    Polynomial gate, whole;
};

std::optional<Form> form_of(const Graph& graph, NodeId gate) {
    if (is_op(graph, gate, "HardSigmoid")) {
        const Node& node = graph.node(gate);
        const bool fits = std::abs(graph::float_attribute(node, "alpha", 0.2f) - 1.0 / 6) < 1e-4 &&
                          std::abs(graph::float_attribute(node, "beta", 0.5f) - 0.5) < 1e-4;
        return fits ? std::optional(Form{{{{1, 0}, 1}}, {{{1, 1}, 1}}}) : std::nullopt;
    }
    const auto bounds = is_op(graph, gate, "Clip") ? bounds_of(graph, gate) : std::nullopt;
    if (!bounds || bounds->lo != 0 || bounds->hi != 6) return {};
    return Form{{{{0, 0}, 3}, {{1, 0}, 1}}, {{{1, 1}, 1.0 / 6}}};
}

}  // namespace

Rewrite hard_swish_from_parts(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Mul") && !is_op(graph, id, "Div")) return Rewrite::no_match();
    const ValueId y = graph.output(id);
    const auto dims = known_dims(graph, y);
    if (!dims || !is_float32(graph, y)) return Rewrite::no_match();
    for (const ValueId gate : parts_of(graph, y)) {
        const NodeId gate_id = graph.producer(gate);
        const auto form = form_of(graph, gate_id);
        if (!form) continue;
        const ValueId argument = graph.input(gate_id, 0);
        std::vector<ValueId> candidates = parts_of(graph, argument);
        candidates.insert(candidates.begin(), argument);
        for (const ValueId x : candidates) {
            PolynomialReader reader(graph, x, gate);
            const auto of_gate = reader.read(argument), of_whole = reader.read(y);
            if (known_dims(graph, x) != dims || !of_gate || !of_whole || !alike(*of_gate, form->gate) ||
                !alike(*of_whole, form->whole))
                continue;
            absorb(graph, id, gate_id);
            for (const NodeId part : reader.nodes())
                if (part != id) absorb(graph, id, part);
            become(graph, id, {"HardSwish", {x}});
            return Rewrite::done();
        }
    }
    return Rewrite::no_match();
}

}  // namespace calotype::optimize
