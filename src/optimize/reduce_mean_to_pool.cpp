// ReduceMean(x [n, c, spatial...], all spatial axes) => GlobalAveragePool(x), then a Reshape where the axes are dropped
// Exact in real numbers; the order of the sum moves the last bits.

#include "optimize/reduce_words.hpp"
#include "optimize/reshape_words.hpp"
#include "optimize/rewrite.hpp"

namespace calotype::optimize {

Rewrite reduce_mean_to_pool(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "ReduceMean")) return Rewrite::no_match();
    const ValueId x = graph.input(id, 0);
    const auto dims = known_dims(graph, x);
    const auto axes = reduced_axes(graph, id);
    if (!dims || !axes) return Rewrite::declined("dims or axes are known only at run time");
    if (!is_float32(graph, x)) return Rewrite::no_match();
    std::set<int64_t> spatial;
    for (size_t axis = 2; axis < dims->size(); ++axis) spatial.insert(static_cast<int64_t>(axis));
    if (spatial.size() < 2 || *axes != spatial) return Rewrite::no_match();
    if (keeps_dims(graph, id)) {
        become(graph, id, {"GlobalAveragePool", {x}});
        return Rewrite::done();
    }
    Dims pooled(dims->size(), 1);
    pooled[0] = (*dims)[0];
    pooled[1] = (*dims)[1];
    const ValueId pool = insert(graph, id, {"GlobalAveragePool", {x}}, DataType::float32, pooled);
    become_reshape(graph, id, pool);
    return Rewrite::done();
}

}  // namespace calotype::optimize
