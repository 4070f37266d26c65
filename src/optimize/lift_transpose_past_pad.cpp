// Transpose(Pad(x, by axes), p) => Pad(Transpose(x, p), by axes')   x an input, or made of one element by element
// Exact: the same elements meet. Axis i of the Transpose is axis p[i] of the Pad. Networks trained on channels-last images
// pad them before the Transpose that their first convolution asks for; sink_transpose_past_axes leaves it there.

#include "optimize/rewrite.hpp"
#include "optimize/transpose_words.hpp"

namespace calotype::optimize {
namespace {

/// The axes that the Pad's counts belong to, in their order.
std::optional<std::vector<int64_t>> padded_axes(const Graph& graph, NodeId pad, size_t rank) {
    if (has_input(graph, pad, 3)) return integers(graph, graph.input(pad, 3));
    std::vector<int64_t> axes;
    for (size_t axis = 0; axis < rank; ++axis) axes.push_back(static_cast<int64_t>(axis));
    return axes;
}

}  // namespace

Rewrite lift_transpose_past_pad(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Transpose")) return Rewrite::no_match();
    const NodeId pad = producer_of_op(graph, id, "Pad");
    if (pad == NodeId::none || !is_made_of_input(graph, graph.input(pad, 0))) return Rewrite::no_match();
    if (!read_once(graph, graph.input(id, 0))) return Rewrite::declined("another reader needs the Pad as it lies");
    const std::vector<int64_t> perm = perm_of(graph, id);
    const auto dims = known_dims(graph, graph.input(pad, 0));
    const auto axes = padded_axes(graph, pad, perm.size());
    if (!dims || !axes) return Rewrite::declined("the dims or axes are known only at run time");

    std::vector<int64_t> turned;
    for (const int64_t axis : *axes) turned.push_back(undone(perm)[static_cast<size_t>(own_axis(axis, perm.size()))]);
    Dims transposed;
    for (const int64_t axis : perm) transposed.push_back((*dims)[static_cast<size_t>(axis)]);
    const ValueId x = graph.input(pad, 0);
    NewOp lifted{"Pad", graph.node(pad).inputs, graph.node(pad).attributes};
    lifted.inputs.resize(4, ValueId::none);
    lifted.inputs[0] = insert(graph, id, {"Transpose", {x}, {{"perm", perm}}}, graph.value(x).type, transposed);
    lifted.inputs[3] = add_integers(graph, graph.node(pad).name + "/axes", turned);
    absorb(graph, id, pad);
    become(graph, id, std::move(lifted));
    return Rewrite::done();
}

}  // namespace calotype::optimize
