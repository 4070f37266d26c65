#include "partition/keep_apart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

namespace calotype::partition {
namespace {

using graph::Graph;
using graph::NodeId;
using graph::ValueId;

constexpr const char* kRule = "NPU_RANGES";

/// Moves whose elements reach the graph's outputs and nothing else, in the graph's order.
std::vector<NodeId> tail_of(const Graph& graph) {
    std::vector<NodeId> tail;
    std::set<NodeId> known;
    for (auto id = graph.nodes().rbegin(); id != graph.nodes().rend(); ++id) {
        const auto leaves = [&](ValueId value) {
            const auto readers = value == ValueId::none ? std::vector<NodeId>{} : graph.readers(value);
            return std::ranges::all_of(readers, [&](NodeId reader) { return known.contains(reader); });
        };
        if (!only_moves(graph, *id) || !std::ranges::all_of(graph.node(*id).outputs, leaves)) continue;
        known.insert(*id);
        tail.push_back(*id);
    }
    std::ranges::reverse(tail);
    return tail;
}

/// What the inputs of a Concat were seen to be, where they are too far apart.
std::optional<std::string> too_far_apart(const Graph& graph, NodeId id, const std::map<std::string, Extent>& extents) {
    using Known = std::pair<const std::string, Extent>;
    const auto width = [](const Known* value) { return value->second.width(); };
    std::vector<const Known*> known;
    for (const ValueId input : graph.node(id).inputs) {
        if (input == ValueId::none) continue;
        const auto found = extents.find(graph.value(input).name);
        if (found != extents.end() && width(&*found) > 0) known.push_back(&*found);
    }
    if (known.empty()) return std::nullopt;
    const auto [narrow, wide] = std::ranges::minmax(known, {}, width);
    if (width(wide) <= kMostTimesApart * width(narrow)) return std::nullopt;
    const auto told = [](const Known* value) {
        return fmt::format("{:.4g} to {:.4g} in `{}`", value->second.lo, value->second.hi, value->first);
    };
    return fmt::format("{} beside {}", told(wide), told(narrow));
}

}  // namespace

HostNodes keep_apart(const Graph& graph, const std::map<std::string, Extent>& extents) {
    HostNodes host;
    std::map<NodeId, NodeId> cause;  // of a node of the host, the first such Concat before it
    for (const NodeId id : tail_of(graph)) {
        const graph::Node& node = graph.node(id);
        if (auto found = node.op == "Concat" ? too_far_apart(graph, id, extents) : std::nullopt) {
            host.emplace(id, HostReason{kRule, std::move(*found)});
            cause.emplace(id, id);
        }
        for (const ValueId input : node.inputs) {
            const NodeId before = input == ValueId::none ? NodeId::none : graph.producer(input);
            const auto found = cause.find(before);
            if (found == cause.end()) continue;
            host.emplace(
                id, HostReason{kRule, fmt::format("that of `{}`, which is before it", graph.node(found->second).name)});
            cause.emplace(id, found->second);
        }
    }
    return host;
}

}  // namespace calotype::partition
