// Clip(Clip(x, lo1, hi1), lo2, hi2) => Clip(x, clamp(lo1, lo2, hi2), clamp(hi1, lo2, hi2))
// A Relu is Clip(x, 0, inf). Exact. Needs lo1 <= hi1 and lo2 <= hi2: what a reversed Clip returns is not the same
// everywhere.

#include <algorithm>

#include "optimize/clip_words.hpp"
#include "optimize/rewrite.hpp"

namespace calotype::optimize {

std::optional<Bounds> bounds_of(const Graph& graph, NodeId id) {
    if (id == NodeId::none || !is_float32(graph, graph.output(id))) return {};
    if (is_op(graph, id, "Relu")) return Bounds{.lo = 0};
    if (!is_op(graph, id, "Clip")) return {};
    Bounds bounds;
    if (has_input(graph, id, 1)) {
        const auto lo = scalar(graph, graph.input(id, 1));
        if (!lo) return {};
        bounds.lo = *lo;
    }
    if (has_input(graph, id, 2)) {
        const auto hi = scalar(graph, graph.input(id, 2));
        if (!hi) return {};
        bounds.hi = *hi;
    }
    return bounds;
}

void become_clip(Graph& graph, NodeId id, ValueId x, Bounds bounds) {
    const std::string base = graph.node(id).name;
    const bool open_lo = bounds.lo == -std::numeric_limits<float>::infinity();
    const bool open_hi = bounds.hi == std::numeric_limits<float>::infinity();
    std::vector<ValueId> inputs{x};
    if (!open_lo || !open_hi)
        inputs.push_back(open_lo ? ValueId::none : add_floats(graph, base + "/lo", {}, {bounds.lo}));
    if (!open_hi) inputs.push_back(add_floats(graph, base + "/hi", {}, {bounds.hi}));
    become(graph, id, {"Clip", std::move(inputs)});
}

Rewrite merge_clips(Graph& graph, NodeId id) {
    const auto outer = bounds_of(graph, id);
    if (!outer) return Rewrite::no_match();
    const ValueId between = graph.input(id, 0);
    const NodeId inner_id = graph.producer(between);
    const auto inner = bounds_of(graph, inner_id);
    if (!inner) return Rewrite::no_match();
    if (!(inner->lo <= inner->hi && outer->lo <= outer->hi))
        return Rewrite::declined("a lower bound is above its upper one");
    if (!read_once(graph, between)) return Rewrite::declined("another reader needs the inner result");
    absorb(graph, id, inner_id);
    become_clip(graph, id, graph.input(inner_id, 0),
                {std::clamp(inner->lo, outer->lo, outer->hi), std::clamp(inner->hi, outer->lo, outer->hi)});
    return Rewrite::done();
}

}  // namespace calotype::optimize
