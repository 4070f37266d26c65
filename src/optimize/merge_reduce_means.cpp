// ReduceMean(ReduceMean(x, A), B) => ReduceMean(x, A and B)   where both keep the axes they average, or both drop them
// Exact in real numbers (all means are over equally many elements); the order of the sum moves the last bits.

#include "optimize/reduce_words.hpp"
#include "optimize/rewrite.hpp"

namespace calotype::optimize {

std::optional<std::set<int64_t>> reduced_axes(const Graph& graph, NodeId id) {
    const auto dims = known_dims(graph, graph.input(id, 0));
    if (!dims) return {};
    const bool given = has_input(graph, id, 1) || graph.node(id).attributes.contains("axes");
    const auto axes = integers_of(graph, id, 1, "axes");
    if (given && !axes) return {};
    std::set<int64_t> result;
    if (given)
        for (const int64_t axis : *axes) result.insert(own_axis(axis, dims->size()));
    if (result.empty() && graph::int_attribute(graph.node(id), "noop_with_empty_axes", 0) == 0)
        for (size_t axis = 0; axis < dims->size(); ++axis) result.insert(static_cast<int64_t>(axis));
    return result;
}

bool keeps_dims(const Graph& graph, NodeId id) { return graph::int_attribute(graph.node(id), "keepdims", 1) != 0; }

Rewrite merge_reduce_means(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "ReduceMean")) return Rewrite::no_match();
    const NodeId inner = producer_of_op(graph, id, "ReduceMean");
    if (inner == NodeId::none) return Rewrite::no_match();
    const auto first = reduced_axes(graph, inner), second = reduced_axes(graph, id);
    if (!first || !second) return Rewrite::declined("dims or axes are known only at run time");
    if (keeps_dims(graph, inner) != keeps_dims(graph, id)) return Rewrite::declined("only one of them keeps its axes");
    if (!read_once(graph, graph.input(id, 0))) return Rewrite::declined("another reader needs the inner mean");
    std::set<int64_t> axes = *first;
    for (int64_t axis : *second) {
        if (!keeps_dims(graph, id))  // count again with the axes that the inner one dropped
            for (const int64_t dropped : *first)
                if (dropped <= axis) ++axis;
        axes.insert(axis);
    }
    absorb(graph, id, inner);
    const auto keep = static_cast<int64_t>(keeps_dims(graph, id));
    const ValueId list = add_integers(graph, graph.node(id).name + "/axes", {axes.begin(), axes.end()});
    become(graph, id, {"ReduceMean", {graph.input(inner, 0), list}, {{"keepdims", keep}}});
    return Rewrite::done();
}

}  // namespace calotype::optimize
