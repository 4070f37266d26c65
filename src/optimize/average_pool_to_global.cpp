// AveragePool(x, kernel = the map, no padding) => GlobalAveragePool(x)
// Exact in real numbers; the order of the sum may move the last bits.

#include <algorithm>

#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {

Rewrite average_pool_to_global(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "AveragePool")) return Rewrite::no_match();
    const auto dims = known_dims(graph, graph.input(id, 0)), pooled = known_dims(graph, graph.output(id));
    if (!dims || !pooled || dims->size() < 3) return Rewrite::declined("the dims are known only at run time");
    const Node& node = graph.node(id);
    const auto kernel = graph::ints_attribute(node, "kernel_shape");
    if (!std::ranges::equal(kernel, Dims(dims->begin() + 2, dims->end()))) return Rewrite::no_match();
    if (!std::ranges::all_of(pooled->begin() + 2, pooled->end(), [](int64_t size) { return size == 1; }))
        return Rewrite::declined("the window slides");
    const auto one = [](int64_t dilation) { return dilation == 1; };
    if (!std::ranges::all_of(graph::ints_attribute(node, "dilations"), one)) return Rewrite::declined("it is dilated");
    const auto zero = [](int64_t pad) { return pad == 0; };
    if (!std::ranges::all_of(graph::ints_attribute(node, "pads"), zero)) return Rewrite::declined("the map is padded");
    if (graph::string_attribute(node, "auto_pad", "NOTSET") != "NOTSET")
        return Rewrite::declined("its pads are automatic");
    become(graph, id, {"GlobalAveragePool", {graph.input(id, 0)}});
    return Rewrite::done();
}

}  // namespace calotype::optimize
