#pragma once

#include <string>
#include <vector>

#include "graph/graph.hpp"

namespace calotype::compiler {

/// What ties these nodes of the file to one size, in words: ": `ends`, computed from the shape of `x`". Empty where
/// nothing in the file says so.
std::string tied_by(const graph::Graph& file_graph, const std::vector<std::string>& node_names);

}  // namespace calotype::compiler
