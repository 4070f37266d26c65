#pragma once

#include <map>
#include <string>
#include <vector>

#include "graph/graph.hpp"

namespace calotype::observe {

/// A node named after its operator and its one output, which is returned.
inline graph::ValueId add(graph::Graph& graph, const std::string& op, std::vector<graph::ValueId> inputs,
                          const std::string& output, std::map<std::string, graph::Attribute> attributes = {}) {
    graph::Node node;
    node.name = op + "_" + output;
    node.op = op;
    node.inputs = std::move(inputs);
    node.outputs = {graph.add_value(output)};
    node.attributes = std::move(attributes);
    return graph.output(graph.add_node(std::move(node)));
}

}  // namespace calotype::observe
