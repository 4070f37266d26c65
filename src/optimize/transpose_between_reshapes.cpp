// Reshape(Transpose(Reshape(x), p)) => Transpose(x, q)   where every axis of x stays in one piece
// Exact. Exporters move a Transpose past a Tile or a channel split, and leave the axes cut that it then moves together.

#include <algorithm>
#include <numeric>

#include "optimize/rewrite.hpp"
#include "optimize/transpose_words.hpp"

namespace calotype::optimize {
namespace {

/// Axes of the Transpose's input that stay neighbours, as the first and last + 1 of each, in the output's order.
std::vector<std::pair<int64_t, int64_t>> runs(const std::vector<int64_t>& perm) {
    std::vector<std::pair<int64_t, int64_t>> result;
    for (const int64_t axis : perm)
        if (!result.empty() && result.back().second == axis)
            ++result.back().second;
        else
            result.push_back({axis, axis + 1});
    return result;
}

/// The axes of `dims` from `first` on whose product is `elements`, ones behind them included; nothing where none fit.
std::optional<size_t> end_of(const Dims& dims, size_t first, int64_t elements) {
    int64_t product = 1;
    size_t end = first;
    while (end < dims.size() && product < elements) product *= dims[end++];
    if (product != elements) return {};
    while (end < dims.size() && dims[end] == 1) ++end;
    return end;
}

/// Where each run, counted in the order of the Transpose's input, lies in x.
std::optional<std::vector<size_t>> starts_in(const Dims& x, const std::vector<int64_t>& sizes) {
    std::vector<size_t> starts{0};
    for (const int64_t size : sizes) {
        const auto end = end_of(x, starts.back(), size);
        if (!end) return {};
        starts.push_back(*end);
    }
    return starts.back() == x.size() ? std::optional(starts) : std::nullopt;
}

std::optional<std::vector<int64_t>> joined_perm(const Dims& x, const Dims& cut, const std::vector<int64_t>& perm,
                                                const Dims& made) {
    const auto pieces = runs(perm);
    std::vector<size_t> order(pieces.size());  // pieces in the order of the Transpose's input
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::sort(order, {}, [&](size_t piece) { return pieces[piece].first; });
    std::vector<int64_t> sizes;
    for (const size_t piece : order)
        sizes.push_back(std::accumulate(cut.begin() + pieces[piece].first, cut.begin() + pieces[piece].second,
                                        int64_t{1}, std::multiplies<>()));
    const auto starts = starts_in(x, sizes);
    if (!starts) return {};
    std::vector<int64_t> joined;
    for (size_t piece = 0; piece < pieces.size(); ++piece) {
        const auto place = static_cast<size_t>(std::ranges::find(order, piece) - order.begin());
        for (size_t axis = (*starts)[place]; axis < (*starts)[place + 1]; ++axis)
            joined.push_back(static_cast<int64_t>(axis));
    }
    if (joined.size() != made.size()) return {};
    for (size_t i = 0; i < made.size(); ++i)
        if (made[i] != x[static_cast<size_t>(joined[i])]) return {};
    return joined;
}

}  // namespace

Rewrite transpose_between_reshapes(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Reshape") && !is_op(graph, id, "Flatten")) return Rewrite::no_match();
    const NodeId transpose = producer_of_op(graph, id, "Transpose");
    const NodeId before = transpose == NodeId::none ? NodeId::none : producer_of_op(graph, transpose, "Reshape");
    if (before == NodeId::none) return Rewrite::no_match();
    const auto x = known_dims(graph, graph.input(before, 0)), cut = known_dims(graph, graph.output(before));
    const auto made = known_dims(graph, graph.output(id));
    if (!x || !cut || !made) return Rewrite::no_match();
    const auto perm = joined_perm(*x, *cut, perm_of(graph, transpose), *made);
    if (!perm) return Rewrite::declined("it takes an axis apart");
    if (read_once(graph, graph.input(id, 0))) absorb(graph, id, transpose);
    become(graph, id, {"Transpose", {graph.input(before, 0)}, {{"perm", *perm}}});
    return Rewrite::done();
}

}  // namespace calotype::optimize
