// GatherND(x, I) => Gather(... Gather(x, i0, axis 0) ..., iq, axis q)   for a constant grid I[a, b, ...] = (i0[a], i1[b], ...)
// Exact. It is how PyTorch's exporter writes indexing by lists, x[:, [2, 1, 0]], between two Transposes.

#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {
namespace {

/// The list of indices of each axis; nothing where they are no grid.
std::optional<std::vector<std::vector<int64_t>>> grid(const std::vector<int64_t>& indices, const Dims& dims) {
    const auto axes = static_cast<size_t>(dims.back());
    if (dims.size() != axes + 1) return std::nullopt;
    std::vector<std::vector<int64_t>> lists(axes);
    for (size_t axis = 0; axis < axes; ++axis) lists[axis].resize(static_cast<size_t>(dims[axis]));
    for (const bool fill : {true, false})
        for (size_t point = 0; point < indices.size() / axes; ++point) {
            size_t rest = point;
            for (size_t axis = axes; axis-- > 0;) {
                int64_t& index = lists[axis][rest % lists[axis].size()];
                rest /= lists[axis].size();
                if (fill) index = indices[point * axes + axis];
                if (index != indices[point * axes + axis]) return std::nullopt;
            }
        }
    return lists;
}

}  // namespace

Rewrite gather_nd_to_gather(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "GatherND")) return Rewrite::no_match();
    ValueId y = graph.input(id, 0);
    const auto dims = known_dims(graph, y);
    const auto indices = integers(graph, graph.input(id, 1));
    if (!dims || !indices || indices->empty() || graph.is_constant(y))
        return Rewrite::declined("its indices are computed at run time");
    if (graph::int_attribute(graph.node(id), "batch_dims", 0) != 0)
        return Rewrite::declined("it has indices of its own for each sample");
    const auto lists = grid(*indices, graph.value(graph.input(id, 1)).constant->dims());
    if (!lists) return Rewrite::declined("its indices are no grid of rows and columns");
    Dims made = *dims;
    for (size_t axis = 0; axis < lists->size(); ++axis) {
        const ValueId list = add_integers(graph, graph.node(id).name + "/indices", (*lists)[axis]);
        NewOp gather{"Gather", {y, list}, {{"axis", static_cast<int64_t>(axis)}}};
        made[axis] = std::ssize((*lists)[axis]);
        if (axis + 1 == lists->size())
            become(graph, id, std::move(gather));
        else
            y = insert(graph, id, std::move(gather), graph.value(y).type, made);
    }
    return Rewrite::done();
}

}  // namespace calotype::optimize
