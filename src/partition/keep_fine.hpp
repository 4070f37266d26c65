#pragma once

// Sums and products with a constant map whose range leaves few codes to what is computed: the cell that a box lies in,
// in pixels, beside an offset within it.

#include <map>
#include <string>

#include "partition/constant_maps.hpp"

namespace calotype::partition {

constexpr double kMostTimesCoarser = 8;          ///< three of eight bits
constexpr double kMostTimesCoarserAtTheEnd = 2;  ///< one bit, where the result is the answer itself

/// The codes of such a result are as coarse as its range. Where they are more than kMostTimesCoarser as coarse as those
/// of the computed operand (times the map's root mean square, for a product), the node is the host's, which reads the
/// operand with its own scale and adds exactly. Where nothing but moves, and sums and products with constants, leads to
/// an output, the limit is kMostTimesCoarserAtTheEnd, and all of them behind such a node are the host's. `extents` by
/// name; a value that has none, or is zero all through, does not count.
HostNodes keep_fine(const graph::Graph& graph, const std::map<std::string, Extent>& extents);

}  // namespace calotype::partition
