#pragma once

#include "graph/graph.hpp"

namespace calotype::onnx {

/// Puts the nodes of the If's branch that `condition` takes in the If's place; they are named after both. Its outputs
/// keep their names; the graph is to be sorted after. Leaves the graph as it is, and returns false, where the branch cannot stand outside: it gives the
/// same value twice, or a graph inside it reads a name that others have for a value of their own.
bool inline_branch(graph::Graph& graph, graph::NodeId if_node, bool condition);

}  // namespace calotype::onnx
