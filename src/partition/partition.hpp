#pragma once

// Which node runs where and why.

#include <optional>
#include <string>
#include <vector>

#include "base/deadline.hpp"
#include "graph/graph.hpp"
#include "npu/config.hpp"
#include "npu/layer.hpp"
#include "npu/limits.hpp"
#include "partition/host_nodes.hpp"

namespace calotype::partition {

enum class Device : uint8_t { npu, cpu };
std::string_view name_of(Device device);

/// A part of the graph that runs in one piece. Parts run in order; devices alternate.
struct Subgraph {
    Device device = Device::npu;
    std::vector<graph::NodeId> nodes;  ///< of the whole graph, in order
    npu::FloatNetwork network;         ///< NPU
    graph::Graph graph;                ///< CPU: a complete model of this part; the batch free where the model's is
    std::vector<std::string> inputs, outputs;  ///< names of values
    int64_t macs = 0;
    double predicted_us = 0;  ///< with its boundaries
};

/// What was decided about one node.
struct Decision {
    graph::NodeId node = graph::NodeId::none;
    std::string name, op;
    std::vector<std::string> sources;
    Device device = Device::npu;
    size_t subgraph = 0;  ///< index into Plan::subgraphs
    int64_t macs = 0;
    double host_us = 0;                     ///< what it takes on the host by the configuration's figures
    std::optional<npu::BrokenLimit> limit;  ///< why it is not on the NPU
};

struct Plan {
    std::vector<Subgraph> subgraphs;
    std::vector<Decision> decisions;  ///< of every node, in the graph's order
    int64_t npu_macs = 0, cpu_macs = 0;
    double predicted_us = 0;  ///< of one sample, by the configuration's figures alone
};

/// A second or so; real networks have some ten regions, of a few thousand nodes.
inline constexpr int64_t kMostWeighed = 500'000;

/// Splits a graph with concrete dims: the largest regions that hold no path out of them and back in, NPU and CPU in
/// turn. A region is left to the host only where the predicted total is lower; the one with the most MACs never is, nor
/// are those that the search does not come to within its bound (networks of very many parts).
/// `host`: nodes that the samples leave to the host. `most_weighed`: that bound, in nodes of all splits tried.
Plan partition(const graph::Graph& graph, const npu::Config& config, const HostNodes& host = {},
               const Deadline& deadline = {}, int64_t most_weighed = kMostWeighed);

/// Time on the host by the configuration's figures.
double host_us(const graph::Graph& graph, graph::NodeId id, const npu::Config& config);

/// The nodes as a graph of its own, its inputs and outputs typed.
graph::Graph extract(const graph::Graph& graph, const std::vector<graph::NodeId>& nodes, std::string name);

}  // namespace calotype::partition
