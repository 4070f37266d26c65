#pragma once

#include <vector>

#include "graph/graph.hpp"

namespace calotype::observe {

/// a * b, a + b, or INT64_MAX where that is more.
int64_t product(int64_t a, int64_t b);
int64_t sum(int64_t a, int64_t b);

/// Of known dims; free ones count as 1: what is not known is not refused.
int64_t elements(const Dims& dims);

/// Of a node's inputs and outputs; empty where nothing is known, or nothing is there.
struct NodeShapes {
    std::vector<Dims> inputs, outputs;
};

/// Multiplications, or comparisons, of one run of the node: how long it takes, to a factor. What is not listed takes as
/// many as it makes elements.
int64_t node_macs(const graph::Node& node, const NodeShapes& shapes);

}  // namespace calotype::observe
