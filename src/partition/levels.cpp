#include "partition/levels.hpp"

#include <algorithm>
#include <set>

namespace calotype::partition {
namespace {

using graph::Graph;
using graph::NodeId;
using graph::ValueId;

/// Nodes whose values a node reads, those its subgraph attributes capture too.
std::map<NodeId, std::set<NodeId>> predecessors(const Graph& graph) {
    std::map<NodeId, std::set<NodeId>> before;
    for (const NodeId id : graph.nodes())
        for (const ValueId output : graph.node(id).outputs)
            if (output != ValueId::none)
                for (const NodeId reader : graph.readers(output)) before[reader].insert(id);
    for (const NodeId id : graph.nodes())
        for (const std::string& outer : graph::captured_names(graph.node(id)))
            if (const auto value = graph.find_value(outer); value && graph.producer(*value) != NodeId::none)
                before[id].insert(graph.producer(*value));
    return before;
}

using Levels = std::map<NodeId, int64_t>;

/// Even levels are those of `first`.
int64_t parity(Device device, Device first) { return device == first ? 0 : 1; }

Levels earliest(const Graph& graph, const std::map<NodeId, Device>& devices,
                const std::map<NodeId, std::set<NodeId>>& before, Device first) {
    Levels levels;
    for (const NodeId id : graph.nodes()) {
        int64_t level = 0;
        if (const auto found = before.find(id); found != before.end())
            for (const NodeId earlier : found->second) level = std::max(level, levels.at(earlier));
        levels[id] = level + (level % 2 != parity(devices.at(id), first) ? 1 : 0);
    }
    return levels;
}

Levels latest(const Graph& graph, const std::map<NodeId, Device>& devices,
              const std::map<NodeId, std::set<NodeId>>& before, Device first, int64_t last_level) {
    Levels levels;
    for (const NodeId id : graph.nodes()) levels[id] = last_level;
    for (auto id = graph.nodes().rbegin(); id != graph.nodes().rend(); ++id) {
        int64_t& level = levels[*id];
        if (level % 2 != parity(devices.at(*id), first)) --level;
        if (const auto found = before.find(*id); found != before.end())
            for (const NodeId earlier : found->second) levels[earlier] = std::min(levels[earlier], level);
    }
    return levels;
}

std::vector<Part> collect(const Graph& graph, const std::map<NodeId, Device>& devices, const Levels& levels) {
    std::map<int64_t, Part> by_level;
    for (const NodeId id : graph.nodes()) {
        Part& part = by_level[levels.at(id)];
        part.device = devices.at(id);
        part.nodes.push_back(id);
    }
    std::vector<Part> parts;
    for (auto& [level, part] : by_level) {
        if (!parts.empty() && parts.back().device == part.device)
            parts.back().nodes.insert(parts.back().nodes.end(), part.nodes.begin(), part.nodes.end());
        else
            parts.push_back(std::move(part));
    }
    return parts;
}

}  // namespace

std::vector<Part> parts_of(const Graph& graph, const std::map<NodeId, Device>& devices) {
    const auto before = predecessors(graph);
    std::vector<Part> best;
    for (const Device first : {Device::npu, Device::cpu}) {
        const Levels early = earliest(graph, devices, before, first);
        int64_t last_level = 0;
        for (const auto& [id, level] : early) last_level = std::max(last_level, level);
        // A level may lie below zero in the latest schedule of a graph whose first level has the other parity: it has
        // not, as the earliest schedule fits into the same levels.
        for (const Levels& levels : {early, latest(graph, devices, before, first, last_level)}) {
            std::vector<Part> parts = collect(graph, devices, levels);
            if (best.empty() || parts.size() < best.size()) best = std::move(parts);
        }
    }
    return best;
}

}  // namespace calotype::partition
