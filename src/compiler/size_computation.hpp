#pragma once

// How the file computes sizes: nodes that read nothing but constants and the shapes of values.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "graph/graph.hpp"
#include "ort/library.hpp"

namespace calotype::compiler {

struct SizeComputation {
    graph::ValueId result = graph::ValueId::none;  ///< of the file, as are the following
    std::vector<graph::NodeId> nodes;              ///< producers first; Shape and Size among them
    std::vector<graph::ValueId> measured;          ///< the values whose shapes they read
};

/// Nothing where a value is not computed from shapes alone, or by more than exporters write.
std::optional<SizeComputation> computation_of(const graph::Graph& file, graph::ValueId value);

/// What it makes where the measured values have these dims.
Tensor evaluated(const graph::Graph& file, const SizeComputation& computation,
                 const std::map<graph::ValueId, Dims>& dims, const ort::Library& library);

/// Its nodes in front of `before` in another graph, of which `measured` tells the values that are measured there.
graph::ValueId copied(const graph::Graph& file, const SizeComputation& computation,
                      std::map<graph::ValueId, graph::ValueId> measured, graph::Graph& to, graph::NodeId before);

/// The node of the file that a node or layer of these sources and this operator was made of, where there is one.
graph::NodeId node_of_file(const graph::Graph& file, const std::vector<std::string>& sources, std::string_view op);

}  // namespace calotype::compiler
