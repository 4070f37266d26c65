#pragma once

#include <string>

#include "graph/graph.hpp"

namespace calotype::onnx {

/// The graph as the bytes of a ModelProto, constants as initializers.
std::string write(const graph::Graph& graph);

/// As a GraphProto alone, the body of a node.
std::string write_graph(const graph::Graph& graph);

}  // namespace calotype::onnx
