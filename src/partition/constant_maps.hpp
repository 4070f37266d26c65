#pragma once

// Nodes that read a constant map: a tensor among the weights, where one number a channel is part of a convolution.

#include <map>
#include <string>

#include "partition/host_nodes.hpp"

namespace calotype::partition {

/// The least and largest of a value's elements over the samples, and zero.
struct Extent {
    double lo = 0, hi = 0;
    double width() const { return hi - lo; }
};

/// Whether it adds, multiplies or joins a constant map to one that is computed.
bool reads_constant_map(const graph::Graph& graph, graph::NodeId id);

/// A sum or product with any constant; one number a channel stands as a convolution of one tap.
bool is_linear(const graph::Graph& graph, graph::NodeId id);

/// Only moves elements: a Concat of what is computed too.
bool only_moves(const graph::Graph& graph, graph::NodeId id);

}  // namespace calotype::partition
