#pragma once

#include <limits>
#include <optional>

#include "optimize/words.hpp"

namespace calotype::optimize {

/// What a Relu or a Clip with constant bounds lets through, ends included; open ends are infinite.
struct Bounds {
    float lo = -std::numeric_limits<float>::infinity();
    float hi = std::numeric_limits<float>::infinity();
};
std::optional<Bounds> bounds_of(const Graph& graph, NodeId id);
/// Makes the node a Clip of x.
void become_clip(Graph& graph, NodeId id, ValueId x, Bounds bounds);

}  // namespace calotype::optimize
