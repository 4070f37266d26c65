#pragma once

#include <map>
#include <vector>

#include "graph/graph.hpp"
#include "partition/partition.hpp"

namespace calotype::partition {

struct Part {
    Device device = Device::npu;
    std::vector<graph::NodeId> nodes;
};

/// The fewest parts of alternating device that run one after the other. Each node's part is the earliest (or latest)
/// that the values it reads (or makes) allow, so no path leaves a part and comes back into it.
std::vector<Part> parts_of(const graph::Graph& graph, const std::map<graph::NodeId, Device>& devices);

}  // namespace calotype::partition
