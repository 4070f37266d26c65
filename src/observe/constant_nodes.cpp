#include "observe/constant_nodes.hpp"

#include "onnx/write.hpp"

namespace calotype::observe {

using graph::Graph;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

namespace {

/// The nodes in a graph of their own, whose outputs are all that they make.
Graph alone(const Graph& graph, std::span<const NodeId> nodes) {
    Graph part;
    part.opset = graph.opset;
    part.other_opsets = graph.other_opsets;
    part.local_functions = graph.local_functions;
    part.name = "constants";
    for (const NodeId id : nodes) {
        Node node = graph.node(id);
        for (ValueId& in : node.inputs) {
            if (in == ValueId::none) continue;
            const graph::Value& value = graph.value(in);
            const auto known = part.find_value(value.name);
            in = known ? *known : part.add_constant(value.name, value.constant.value());
        }
        for (ValueId& out : node.outputs) {
            if (out == ValueId::none) continue;
            out = part.add_value(graph.value(out).name, graph.value(out).type);
            part.outputs.push_back(out);
        }
        part.add_node(std::move(node));
    }
    return part;
}

}  // namespace

std::map<std::string, Tensor> run_constant_nodes(const Graph& graph, std::span<const NodeId> nodes,
                                                 const ort::Library& library) {
    const ort::Session session(library, onnx::write(alone(graph, nodes)), {.threads = 1, .optimize = false});
    return session.run({});
}

}  // namespace calotype::observe
