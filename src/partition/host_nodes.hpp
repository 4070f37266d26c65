#pragma once

#include <map>
#include <string>

#include "graph/graph.hpp"

namespace calotype::partition {

/// Why a node stays on the host for what the samples showed.
struct HostReason {
    std::string rule;    ///< a code of npu::node_limits()
    std::string actual;  ///< what was seen
    friend bool operator==(const HostReason&, const HostReason&) = default;
};

using HostNodes = std::map<graph::NodeId, HostReason>;

}  // namespace calotype::partition
