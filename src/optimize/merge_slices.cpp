// Slice(Slice(x, first1, step1), first2, step2) => Slice(x, first1 + first2 * step1, step1 * step2)   axis by axis
// Exact. Only forward steps. What reached an axis' end still does, whatever its size.

#include <algorithm>
#include <limits>

#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {
namespace {

constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();

struct Range {
    int64_t first = 0, step = 1;
    int64_t end = kEnd;  ///< kEnd where the axis is read to its end
};

/// One range an axis, within the dims; nothing where a bound is computed or a step goes backwards.
std::optional<std::vector<Range>> ranges_of(const Graph& graph, NodeId id) {
    const auto dims = known_dims(graph, graph.input(id, 0));
    const auto starts = integers(graph, graph.input(id, 1)), ends = integers(graph, graph.input(id, 2));
    if (!dims || !starts || !ends || starts->size() != ends->size()) return {};
    std::vector<int64_t> axes(starts->size()), steps(starts->size(), 1);
    for (size_t i = 0; i < axes.size(); ++i) axes[i] = static_cast<int64_t>(i);
    if (has_input(graph, id, 3)) {
        const auto given = integers(graph, graph.input(id, 3));
        if (!given || given->size() != starts->size()) return {};
        axes = *given;
    }
    if (has_input(graph, id, 4)) {
        const auto given = integers(graph, graph.input(id, 4));
        if (!given || given->size() != starts->size()) return {};
        steps = *given;
    }
    std::vector<Range> result(dims->size());
    for (size_t i = 0; i < axes.size(); ++i) {
        const int64_t axis = own_axis(axes[i], dims->size());
        if (axis < 0 || axis >= static_cast<int64_t>(dims->size()) || steps[i] < 1) return {};
        const int64_t size = (*dims)[static_cast<size_t>(axis)];
        const auto bound = [size](int64_t at) {
            return std::clamp<int64_t>(at < 0 ? std::max(at, -size) + size : at, 0, size);
        };
        const int64_t end = bound((*ends)[i]);
        result[static_cast<size_t>(axis)] = {bound((*starts)[i]), steps[i], end == size ? kEnd : end};
    }
    return result;
}

/// The second range counts in elements that the first one lets through.
Range compose(const Range& first, const Range& second) {
    Range both{first.first + second.first * first.step, first.step * second.step, first.end};
    if (second.end != kEnd) both.end = std::min(first.end, first.first + (second.end - 1) * first.step + 1);
    return both;
}

}  // namespace

Rewrite merge_slices(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Slice")) return Rewrite::no_match();
    const NodeId inner = producer_of_op(graph, id, "Slice");
    if (inner == NodeId::none) return Rewrite::no_match();
    const auto first = ranges_of(graph, inner), second = ranges_of(graph, id);
    if (!first || !second) return Rewrite::declined("a bound is computed at run time or a step goes backwards");
    std::vector<int64_t> starts, ends, axes, steps;
    for (size_t axis = 0; axis < first->size(); ++axis) {
        const Range both = compose((*first)[axis], (*second)[axis]);
        if (both.first == 0 && both.step == 1 && both.end == kEnd) continue;
        starts.push_back(both.first);
        ends.push_back(both.end);
        axes.push_back(static_cast<int64_t>(axis));
        steps.push_back(both.step);
    }
    if (axes.empty()) return Rewrite::no_match();  // both return all: remove_identity's
    const std::string base = graph.node(id).name;
    if (read_once(graph, graph.input(id, 0))) absorb(graph, id, inner);
    const std::vector<ValueId> inputs{
        graph.input(inner, 0), add_integers(graph, base + "/starts", starts), add_integers(graph, base + "/ends", ends),
        add_integers(graph, base + "/axes", axes), add_integers(graph, base + "/steps", steps)};
    become(graph, id, {"Slice", inputs});
    return Rewrite::done();
}

}  // namespace calotype::optimize
