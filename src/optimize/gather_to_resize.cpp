// Gather(x, [0, 0, ..., 1, 1, ...], axis of rows or columns) => Resize(x, nearest)
// where each index of the axis comes equally often. Exact: pixels are copied. It is how an enlargement by indexing comes
// out: x[:, :, rows][..., columns].

#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {
namespace {

/// How often each of `size` indices is repeated, where that is all there is.
std::optional<int64_t> times_of(const std::vector<int64_t>& indices, int64_t size) {
    const auto count = static_cast<int64_t>(indices.size());
    if (count <= size || count % size != 0) return {};
    for (int64_t i = 0; i < count; ++i)
        if (indices[static_cast<size_t>(i)] != i / (count / size)) return {};
    return count / size;
}

}  // namespace

Rewrite gather_to_resize(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Gather")) return Rewrite::no_match();
    const ValueId x = graph.input(id, 0), list = graph.input(id, 1);
    const auto dims = known_dims(graph, x);
    const auto indices = integers(graph, list);
    if (!dims || !indices || graph.is_constant(x) || !is_float32(graph, x)) return Rewrite::no_match();
    const int64_t axis = own_axis(graph::int_attribute(graph.node(id), "axis", 0), dims->size());
    if (axis < 2 || dims->size() > 4 || graph.value(list).constant->dims().size() != 1) return Rewrite::no_match();
    const auto times = times_of(*indices, (*dims)[static_cast<size_t>(axis)]);
    if (!times) return Rewrite::declined("its indices do not repeat each pixel equally often");
    std::vector<double> factors(dims->size(), 1);
    factors[static_cast<size_t>(axis)] = static_cast<double>(*times);
    become(graph, id, repeated(graph, id, x, factors));
    return Rewrite::done();
}

}  // namespace calotype::optimize
