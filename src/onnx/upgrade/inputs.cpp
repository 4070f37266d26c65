#include "base/error.hpp"
#include "onnx/upgrade/steps.hpp"

// Attributes that have become inputs.

namespace calotype::onnx::upgrading {

void slice(Graph& graph, NodeId id) {
    const std::vector<int64_t> starts = ints_attribute(graph.node(id), "starts");
    std::vector<int64_t> axes = ints_attribute(graph.node(id), "axes");
    for (size_t i = axes.size(); i < starts.size(); ++i) axes.push_back(static_cast<int64_t>(i));
    graph.node(id).attributes["axes"] = axes;
    ints_to_input(graph, id, "starts", 1);
    ints_to_input(graph, id, "ends", 2);
    ints_to_input(graph, id, "axes", 3);
}

/// Without sizes the parts were equal, as many as the node has outputs; 18 wants the number said.
void split(Graph& graph, NodeId id) {
    ints_to_input(graph, id, "split", 1);
    if (graph.input(id, 1) == ValueId::none) {
        graph.node(id).attributes["num_outputs"] = static_cast<int64_t>(graph.node(id).outputs.size());
    }
}

void top_k(Graph& graph, NodeId id) {
    const int64_t k = int_attribute(graph.node(id), "k", 1);
    graph.node(id).attributes.erase("k");
    graph.set_input(id, 1, int_constant(graph, id, "k", {k}));
}

void dft(Graph& graph, NodeId id) {
    const int64_t axis = int_attribute(graph.node(id), "axis", 1);
    graph.node(id).attributes.erase("axis");
    const std::vector<int64_t> value = {axis};
    graph.set_input(
        id, 2,
        graph.add_constant(graph.unused_value_name(graph.node(id).name + "/axis"), Tensor::of<int64_t>({}, value)));
}

/// Before 10 the mask was of the type of the data, since then it is boolean.
void dropout_10(Graph& graph, NodeId id) {
    const ValueId mask = graph.output(id, 1);
    if (mask != ValueId::none && graph.uses(mask) > 0) {
        refuse(graph, id, "its mask is read", "export the model for inference");
    }
}

}  // namespace calotype::onnx::upgrading
