#pragma once

#include <optional>
#include <vector>

#include "graph/graph.hpp"
#include "npu/layer.hpp"

namespace calotype::lower {

/// An activation that one node or several spell: output = activation(x).
struct ActivationMatch {
    graph::ValueId x = graph::ValueId::none;
    npu::Activation activation;
    std::vector<graph::NodeId> nodes;  ///< all that it stands for, the last one makes the output
};

/// The activation that ends in this node, the longest spelling first: x * Sigmoid(alpha * x),
/// x * Tanh(Softplus(x)), or a single node. Inner values have no other reader.
std::optional<ActivationMatch> match_activation(const graph::Graph& graph, graph::NodeId id);

}  // namespace calotype::lower
