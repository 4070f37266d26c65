// Pad(x, pads, value, axes) => Pad(x, pads', value)   an entry of pads' an axis, 0 where `axes` lacks it
// Exact. One spelling of a Pad; and where ONNX Runtime 1.32 takes a Transpose past a Pad, it minds no axes.

#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {

Rewrite pad_all_axes(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Pad") || !has_input(graph, id, 3)) return Rewrite::no_match();
    const auto dims = known_dims(graph, graph.output(id));
    const auto pads = integers(graph, graph.input(id, 1)), axes = integers(graph, graph.input(id, 3));
    if (!dims || !pads || !axes) return Rewrite::declined("the rank, pads or axes are known only at run time");
    if (pads->size() != 2 * axes->size()) return Rewrite::declined("pads and axes do not match");
    const size_t rank = dims->size();
    std::vector<int64_t> all(2 * rank, 0);
    for (size_t i = 0; i < axes->size(); ++i) {
        const auto axis = static_cast<size_t>(own_axis((*axes)[i], rank));
        if (axis >= rank) return Rewrite::declined("an axis lies beyond the rank");
        all[axis] = (*pads)[i];
        all[axis + rank] = (*pads)[i + axes->size()];
    }
    NewOp pad{"Pad", graph.node(id).inputs, graph.node(id).attributes};
    pad.inputs[1] = add_integers(graph, graph.node(id).name + "/pads", all);
    pad.inputs.resize(has_input(graph, id, 2) ? 3 : 2);
    become(graph, id, std::move(pad));
    return Rewrite::done();
}

}  // namespace calotype::optimize
