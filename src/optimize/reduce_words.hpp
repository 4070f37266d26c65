#pragma once

#include <optional>
#include <set>

#include "optimize/words.hpp"

namespace calotype::optimize {

/// The axes that a ReduceMean with known dims and constant axes averages, counted from the front.
std::optional<std::set<int64_t>> reduced_axes(const Graph& graph, NodeId id);
bool keeps_dims(const Graph& graph, NodeId id);

}  // namespace calotype::optimize
