#pragma once

// Outputs that join values of very different ranges: boxes in pixels beside probabilities.

#include <map>
#include <string>
#include <vector>

#include "graph/graph.hpp"

namespace calotype::partition {

/// The least and largest of a value's elements over the samples, and zero.
struct Extent {
    double lo = 0, hi = 0;
};

/// Nodes that stay on the host for what the samples showed, and what that is.
using HostNodes = std::map<graph::NodeId, std::string>;

constexpr double kMostTimesApart = 8;  ///< three of the eight bits of the narrowest value

/// Values whose extents keep_apart() asks for: what Concats read from which nothing but moves leads to an output.
std::vector<std::string> joined_values(const graph::Graph& graph);

/// An output of the NPU has one scale. Such a Concat whose inputs are more than kMostTimesApart apart, and the moves
/// behind it, are the host's: what it joins leaves the NPU in parts with a scale each. `extents` by name; an input that
/// has none, or is zero all through, does not count.
HostNodes keep_apart(const graph::Graph& graph, const std::map<std::string, Extent>& extents);

}  // namespace calotype::partition
