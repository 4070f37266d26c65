#pragma once

#include <map>
#include <span>
#include <vector>

#include "base/deadline.hpp"
#include "graph/graph.hpp"
#include "npu/config.hpp"
#include "npu/layer.hpp"
#include "npu/limits.hpp"

namespace calotype::lower {

struct Lowering {
    npu::FloatNetwork network;  ///< of the nodes that lower, in their order
    std::vector<graph::NodeId> lowered;
    std::map<graph::NodeId, npu::BrokenLimit> declined;
};

/// Makes layers of those of `nodes` (in the graph's order) that the NPU can run; the others say what hinders. Values
/// that come from elsewhere are inputs; values that others read are outputs. Needs concrete dims (observe::concretize), and
/// the batch of them (graph::batch_of).
Lowering lower(const graph::Graph& graph, std::span<const graph::NodeId> nodes, int64_t batch,
               const npu::Config& config, const Deadline& deadline = {});
/// All nodes.
Lowering lower(const graph::Graph& graph, const npu::Config& config, const Deadline& deadline = {});

}  // namespace calotype::lower
