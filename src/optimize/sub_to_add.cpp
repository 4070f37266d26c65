// Sub(x, c) => Add(x, -c)            for a FLOAT32 constant c
// Sub(x, y) => Add(x, Mul(y, -1))    for two maps of one shape, or where pixels alone are repeated (y - mean of y)
// Sub(c, y) => Add(c, Mul(y, -1))    for a constant map c; one number a channel is lowered as it is
// Exact: IEEE 754 defines x - y as x + (-y). The Mul often folds into what makes y.

#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {
namespace {

Rewrite of_maps(Graph& graph, NodeId id) {
    const ValueId x = graph.input(id, 0), y = graph.input(id, 1);
    const auto dims = known_dims(graph, y);
    if (graph.is_constant(y) || !is_float32(graph, y) || !dims || dims->size() < 2) return Rewrite::no_match();
    const auto of_x = known_dims(graph, x), whole = known_dims(graph, graph.output(id));
    if (!of_x || !whole) return Rewrite::no_match();
    if (graph.is_constant(x)) {
        if (dims != whole) return Rewrite::declined("the constant makes the map larger");
        if (per_channel(graph, x, *dims)) return Rewrite::no_match();
    } else if (dims != of_x && !(repeats_pixels(*dims, *whole) && repeats_pixels(*of_x, *whole))) {
        return Rewrite::declined("one map is broadcast");
    }
    const ValueId minus_one = add_floats(graph, graph.node(id).name + "/minus_one", {}, {-1});
    const ValueId negated = insert(graph, id, {"Mul", {y, minus_one}}, DataType::float32, *dims);
    become(graph, id, {"Add", {x, negated}});
    return Rewrite::done();
}

}  // namespace

Rewrite sub_to_add(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Sub")) return Rewrite::no_match();
    const auto subtrahend = floats(graph, graph.input(id, 1));
    if (!subtrahend) return of_maps(graph, id);
    std::vector<double> negated;
    for (const float x : *subtrahend) negated.push_back(-x);
    const auto& old = graph.value(graph.input(id, 1));
    const ValueId summand = add_floats(graph, old.name, old.constant->dims(), negated);
    become(graph, id, {"Add", {graph.input(id, 0), summand}});
    return Rewrite::done();
}

}  // namespace calotype::optimize
