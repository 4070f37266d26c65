#pragma once

// Values with infinities or NaN, as a mask of minus infinity before a Softmax makes them.

#include <map>
#include <string>
#include <vector>

#include "partition/host_nodes.hpp"

namespace calotype::partition {

/// Names of the values that could lie on the NPU: float32, computed or given at run time.
std::vector<std::string> values_of_the_npu(const graph::Graph& graph);

/// A code holds no infinity: nodes that make or read such a value are the host's, which computes it as FP32 does.
/// `elements`: by the value's name, how many of its elements over the samples are not finite.
HostNodes keep_finite(const graph::Graph& graph, const std::map<std::string, int64_t>& elements);

}  // namespace calotype::partition
