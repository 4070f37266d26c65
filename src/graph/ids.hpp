#pragma once

#include <cstddef>

#include "graph/graph.hpp"

namespace calotype::graph {

/// Place in the graph's tables.
inline size_t at(ValueId id) { return static_cast<size_t>(id); }
inline size_t at(NodeId id) { return static_cast<size_t>(id); }

}  // namespace calotype::graph
