// Concat(0, x, y, 0; axis) => Pad(Concat(x, y; axis), zeros before and behind on the axis)
// for constants of zeros at either end; one value left needs no Concat. Exact. It is how networks widen a map without a
// convolution, and pad by hand.

#include <algorithm>

#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {
namespace {

bool is_zeros(const Graph& graph, ValueId value) {
    const auto contents = floats(graph, value);
    return contents && std::ranges::all_of(*contents, [](float x) { return x == 0; });
}

int64_t size_on(const Graph& graph, ValueId value, int64_t axis) {
    return graph.value(value).constant->dims()[static_cast<size_t>(axis)];
}

}  // namespace

Rewrite zeros_to_pad(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Concat")) return Rewrite::no_match();
    const std::vector<ValueId> inputs = graph.node(id).inputs;
    const auto made = known_dims(graph, graph.output(id));
    if (!made || std::ranges::none_of(inputs, [&](ValueId in) { return graph.is_constant(in); }))
        return Rewrite::no_match();
    const int64_t axis = own_axis(graph::int_attribute(graph.node(id), "axis", 0), made->size());
    if (axis < 1) return Rewrite::no_match();
    size_t first = 0, end = inputs.size();
    int64_t before = 0, behind = 0;
    while (first < end && is_zeros(graph, inputs[first])) before += size_on(graph, inputs[first++], axis);
    while (first < end && is_zeros(graph, inputs[end - 1])) behind += size_on(graph, inputs[--end], axis);
    if (before + behind == 0) return Rewrite::declined("no constant of zeros stands at an end");
    if (first == end) return Rewrite::no_match();  // fold_constants'
    ValueId x = inputs[first];
    if (end - first > 1) {
        Dims dims = *made;
        dims[static_cast<size_t>(axis)] -= before + behind;
        x = insert(
            graph, id,
            {"Concat",
             {inputs.begin() + static_cast<std::ptrdiff_t>(first), inputs.begin() + static_cast<std::ptrdiff_t>(end)},
             {{"axis", axis}}},
            graph.value(graph.output(id)).type, dims);
    }
    std::vector<int64_t> pads(2 * made->size(), 0);
    pads[static_cast<size_t>(axis)] = before;
    pads[made->size() + static_cast<size_t>(axis)] = behind;
    become(graph, id, {"Pad", {x, add_integers(graph, graph.node(id).name + "/pads", pads)}});
    return Rewrite::done();
}

}  // namespace calotype::optimize
