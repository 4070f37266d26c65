// Transpose(Transpose(x, p), q) => Transpose(x, r),   r[i] = p[q[i]]
// Exact. Where r keeps the order, remove_identity takes the rest.

#include <algorithm>

#include "optimize/rewrite.hpp"
#include "optimize/transpose_words.hpp"

namespace calotype::optimize {

std::vector<int64_t> perm_of(const Graph& graph, NodeId id) {
    std::vector<int64_t> perm = graph::ints_attribute(graph.node(id), "perm");
    if (!perm.empty()) return perm;
    const auto dims = graph.value(graph.input(id, 0)).dims;
    const auto rank = dims ? static_cast<int64_t>(dims->size()) : 0;
    for (int64_t axis = rank; axis-- > 0;) perm.push_back(axis);
    return perm;
}

Rewrite merge_transposes(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Transpose")) return Rewrite::no_match();
    const NodeId inner = producer_of_op(graph, id, "Transpose");
    if (inner == NodeId::none) return Rewrite::no_match();
    const std::vector<int64_t> first = perm_of(graph, inner), second = perm_of(graph, id);
    if (first.size() != second.size() || first.empty()) return Rewrite::declined("the rank is unknown");
    std::vector<int64_t> both(first.size());
    std::ranges::transform(second, both.begin(), [&](int64_t axis) { return first[static_cast<size_t>(axis)]; });
    if (read_once(graph, graph.input(id, 0))) absorb(graph, id, inner);
    become(graph, id, {"Transpose", {graph.input(inner, 0)}, {{"perm", both}}});
    return Rewrite::done();
}

}  // namespace calotype::optimize
