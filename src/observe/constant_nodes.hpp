#pragma once

#include <map>
#include <span>
#include <string>

#include "graph/graph.hpp"
#include "ort/session.hpp"

namespace calotype::observe {

/// What nodes make into which only constants and each other's values go, by name, as ONNX Runtime computes it.
/// `nodes` in the graph's order. Throws what ONNX Runtime says of them.
std::map<std::string, Tensor> run_constant_nodes(const graph::Graph& graph, std::span<const graph::NodeId> nodes,
                                                 const ort::Library& library);

}  // namespace calotype::observe
