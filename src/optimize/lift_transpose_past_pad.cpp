// Transpose(Pad(x, pads), p) => Pad(Transpose(x, p), pads')   x an input, or made of one element by element
// Exact: the same elements meet. Axis i of the Transpose is axis p[i] of the Pad. Networks trained on channels-last images
// pad them before the Transpose that their first convolution asks for; sink_transpose_past_axes leaves it there.

#include "optimize/rewrite.hpp"
#include "optimize/transpose_words.hpp"

namespace calotype::optimize {
Rewrite lift_transpose_past_pad(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Transpose")) return Rewrite::no_match();
    const NodeId pad = producer_of_op(graph, id, "Pad");
    if (pad == NodeId::none || !is_made_of_input(graph, graph.input(pad, 0))) return Rewrite::no_match();
    if (!read_once(graph, graph.input(id, 0))) return Rewrite::declined("another reader needs the Pad as it lies");
    const std::vector<int64_t> perm = perm_of(graph, id);
    const auto dims = known_dims(graph, graph.input(pad, 0));
    const auto pads = has_input(graph, pad, 3) ? std::nullopt : integers(graph, graph.input(pad, 1));
    if (!dims || !pads || pads->size() != 2 * perm.size())
        return Rewrite::declined("the dims, pads or axes are known only at run time");

    std::vector<int64_t> turned(pads->size());
    Dims transposed;
    for (size_t i = 0; i < perm.size(); ++i) {
        const auto from = static_cast<size_t>(perm[i]);
        turned[i] = (*pads)[from];
        turned[i + perm.size()] = (*pads)[from + perm.size()];
        transposed.push_back((*dims)[from]);
    }
    const ValueId x = graph.input(pad, 0);
    NewOp lifted{"Pad", graph.node(pad).inputs, graph.node(pad).attributes};
    lifted.inputs[0] = insert(graph, id, {"Transpose", {x}, {{"perm", perm}}}, graph.value(x).type, transposed);
    lifted.inputs[1] = add_integers(graph, graph.node(pad).name + "/pads", turned);
    absorb(graph, id, pad);
    become(graph, id, std::move(lifted));
    return Rewrite::done();
}

}  // namespace calotype::optimize
