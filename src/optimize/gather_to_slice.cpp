// Gather(x, i, axis)                  => Reshape(Slice(x, i, i + 1))          i one constant index: x[:, i]
// Gather(x, [i, i + s, ...], axis)    => Slice(x, first i, last i + 1, s)     s > 0
// Exact. What follows knows a Slice as a crop.

#include "optimize/reshape_words.hpp"
#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {
namespace {

/// The step where the indices, of which there is at least one, rise evenly.
std::optional<int64_t> step_of(const std::vector<int64_t>& indices) {
    const int64_t step = indices.size() < 2 ? 1 : indices[1] - indices[0];
    for (size_t i = 1; i < indices.size(); ++i)
        if (indices[i] - indices[i - 1] != step) return {};
    return step > 0 ? std::optional(step) : std::nullopt;
}

}  // namespace

Rewrite gather_to_slice(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Gather")) return Rewrite::no_match();
    const ValueId x = graph.input(id, 0);
    const auto dims = known_dims(graph, x);
    auto indices = integers(graph, graph.input(id, 1));
    if (!indices || indices->empty()) return Rewrite::declined("its indices are computed at run time");
    if (!dims || graph.is_constant(x)) return Rewrite::no_match();
    const int64_t axis = own_axis(graph::int_attribute(graph.node(id), "axis", 0), dims->size());
    const size_t index_rank = graph.value(graph.input(id, 1)).constant->dims().size();
    if (axis < 1 || index_rank > 1) return Rewrite::declined("it gathers samples, or in a table");
    const int64_t size = (*dims)[static_cast<size_t>(axis)];
    for (int64_t& index : *indices) {
        if (index < 0) index += size;
        if (index < 0 || index >= size) return Rewrite::declined("an index lies outside the axis");
    }
    const auto step = step_of(*indices);
    if (!step) return Rewrite::declined("its indices do not rise evenly");
    const std::string base = graph.node(id).name;
    const std::vector<ValueId> inputs{x, add_integers(graph, base + "/starts", {indices->front()}),
                                      add_integers(graph, base + "/ends", {indices->back() + 1}),
                                      add_integers(graph, base + "/axes", {axis}),
                                      add_integers(graph, base + "/steps", {*step})};
    if (index_rank == 1) {
        become(graph, id, {"Slice", inputs});
        return Rewrite::done();
    }
    Dims sliced = *dims;
    sliced[static_cast<size_t>(axis)] = 1;
    become_reshape(graph, id, insert(graph, id, {"Slice", inputs}, graph.value(x).type, sliced));
    return Rewrite::done();
}

}  // namespace calotype::optimize
