#pragma once

// Outputs that join values of very different ranges: boxes in pixels beside probabilities.

#include <map>
#include <string>

#include "partition/constant_maps.hpp"

namespace calotype::partition {

constexpr double kMostTimesApart = 8;  ///< three of the eight bits of the narrowest value

/// An output of the NPU has one scale. A Concat from which nothing but moves leads to an output and whose inputs are
/// more than kMostTimesApart apart, and the moves behind it, are the host's: what it joins leaves the NPU in parts with
/// a scale each. `extents` by name; an input that has none, or is zero all through, does not count.
HostNodes keep_apart(const graph::Graph& graph, const std::map<std::string, Extent>& extents);

}  // namespace calotype::partition
