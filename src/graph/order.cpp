// Producers before readers; a cycle is told by its nodes.
#include <fmt/format.h>

#include <algorithm>
#include <queue>

#include "base/error.hpp"
#include "graph/graph.hpp"
#include "graph/ids.hpp"

namespace calotype::graph {
namespace {

using Edge = std::pair<NodeId, NodeId>;  // a node, and one that reads what it makes

/// A cycle, in the order of the data from its first node of the file on, that `stuck` waits for: every waiting node
/// waits for another one, so going back from producer to producer must come round.
std::vector<NodeId> cycle_behind(NodeId stuck, const std::vector<Edge>& edges, const std::vector<int64_t>& waiting) {
    std::vector<std::vector<NodeId>> before(waiting.size());
    for (const auto& [maker, reader] : edges) before[at(reader)].push_back(maker);
    std::vector<NodeId> way;
    std::vector<bool> seen(before.size(), false);
    for (NodeId id = stuck; !seen[at(id)];) {
        seen[at(id)] = true;
        way.push_back(id);
        const auto& makers = before[at(id)];
        id = *std::find_if(makers.begin(), makers.end(), [&](NodeId maker) { return waiting[at(maker)] > 0; });
        if (seen[at(id)]) way.erase(way.begin(), std::find(way.begin(), way.end(), id));
    }
    std::reverse(way.begin(), way.end());
    std::rotate(way.begin(), std::min_element(way.begin(), way.end()), way.end());
    return way;
}

}  // namespace

void Graph::refuse_cycle(const std::vector<NodeId>& cycle) const {
    constexpr size_t kMostNames = 6;
    std::string way;
    for (size_t i = 0; i < std::min(cycle.size(), kMostNames); ++i) way += fmt::format("`{}` -> ", node(cycle[i]).name);
    if (cycle.size() > kMostNames) way += "... -> ";
    throw Error({"GRAPH_CYCLE", fmt::format("node `{}` ({})", node(cycle[0]).name, node(cycle[0]).op),
                 fmt::format("it waits for its own result: {}`{}` is a cycle", way, node(cycle[0]).name),
                 "export the model again"});
}

void Graph::reorder(std::vector<NodeId> order) {
    CALOTYPE_ASSERT(order.size() == nodes().size(), "the same nodes stand in another order");
    order_ = std::move(order);
}

void Graph::sort() {
    if (unsettled_) settle();
    std::vector<int64_t> rank(nodes_.size(), 0);  // the file's order breaks ties
    for (size_t i = 0; i < order_.size(); ++i) rank[at(order_[i])] = static_cast<int64_t>(i);
    std::vector<Edge> edges;  // one list for all: a set a node takes a million nodes' memory and time tenfold
    for (const NodeId id : order_) {
        std::vector<ValueId> reads = node(id).inputs;
        for (const std::string& outer : captured_names(node(id))) {
            if (const auto found = find_value(outer)) reads.push_back(*found);
        }
        for (const ValueId read : reads) {
            const NodeId maker = producer(read);
            if (maker == NodeId::none) continue;
            edges.emplace_back(maker, id);
        }
    }
    std::ranges::sort(edges);
    edges.erase(std::ranges::unique(edges).begin(), edges.end());
    std::vector<size_t> first_edge(nodes_.size() + 1, edges.size());  // of its maker
    for (size_t i = edges.size(); i-- > 0;) first_edge[at(edges[i].first)] = i;
    for (size_t i = nodes_.size(); i-- > 0;) first_edge[i] = std::min(first_edge[i], first_edge[i + 1]);
    using Entry = std::pair<int64_t, NodeId>;
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> ready;
    std::vector<int64_t> waiting(nodes_.size(), 0);  // for so many makers
    for (const auto& [maker, reader] : edges) ++waiting[at(reader)];
    for (const NodeId id : order_) {
        if (waiting[at(id)] == 0) ready.emplace(rank[at(id)], id);
    }
    std::vector<NodeId> sorted;
    while (!ready.empty()) {
        const NodeId id = ready.top().second;
        ready.pop();
        sorted.push_back(id);
        for (size_t i = first_edge[at(id)]; i < first_edge[at(id) + 1]; ++i) {
            const NodeId next = edges[i].second;
            if (--waiting[at(next)] == 0) ready.emplace(rank[at(next)], next);
        }
    }
    if (sorted.size() < order_.size()) {
        const auto stuck = std::find_if(order_.begin(), order_.end(), [&](NodeId id) { return waiting[at(id)] > 0; });
        refuse_cycle(cycle_behind(*stuck, edges, waiting));
    }
    order_ = std::move(sorted);
}

}  // namespace calotype::graph
