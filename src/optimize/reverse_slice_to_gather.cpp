// Slice(x, first, end, axis 1, -s) => Gather(x, [first, first - s, ...], axis 1)
// Exact. It is how exporters write a flip of the channels (RGB to BGR), a reorder that the NPU has. Along other axes it has
// none, and a list of indices would tie the network to one size.

#include <algorithm>

#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {

Rewrite reverse_slice_to_gather(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Slice") || !has_input(graph, id, 4)) return Rewrite::no_match();
    const auto dims = known_dims(graph, graph.input(id, 0)), made = known_dims(graph, graph.output(id));
    const auto starts = integers(graph, graph.input(id, 1)), steps = integers(graph, graph.input(id, 4));
    if (!steps || std::ranges::all_of(*steps, [](int64_t step) { return step > 0; })) return Rewrite::no_match();
    const auto axes = has_input(graph, id, 3) ? integers(graph, graph.input(id, 3)) : std::vector<int64_t>{0};
    if (!dims || !made || !starts || !axes) return Rewrite::declined("a bound is computed at run time");
    if (steps->size() != 1 || axes->size() != 1 || starts->size() != 1)
        return Rewrite::declined("it slices more than one axis");
    const int64_t axis = own_axis(axes->front(), dims->size());
    if (axis < 0 || axis >= std::ssize(*dims)) return Rewrite::no_match();
    if (axis != 1) return Rewrite::declined("it reverses another axis than the channels");
    const int64_t size = (*dims)[static_cast<size_t>(axis)];
    const int64_t start = starts->front() < 0 ? starts->front() + size : starts->front();
    if (start < 0) return Rewrite::no_match();  // returns nothing
    if (dims->size() < 3 || start + 1 < size)   // of [n, a * b] a size may be part of the columns
        return Rewrite::declined("it reverses columns, or a part of the channels");
    std::vector<int64_t> indices;
    for (int64_t i = 0; i < (*made)[static_cast<size_t>(axis)]; ++i) indices.push_back(size - 1 + i * steps->front());
    const ValueId list = add_integers(graph, graph.node(id).name + "/indices", indices);
    become(graph, id, {"Gather", {graph.input(id, 0), list}, {{"axis", axis}}});
    return Rewrite::done();
}

}  // namespace calotype::optimize
