
#include "onnx/upgrade/steps.hpp"

// Before 13 Softmax, LogSoftmax and Hardmax work on a matrix: the axes before `axis` (default 1) are its rows, those
// from `axis` on its columns. Since then they work on the one axis.
//     Softmax_12(x, axis) => Reshape(Softmax_13(Flatten(x, axis), -1), Shape(x)),   unless `axis` is the last one

namespace calotype::onnx::upgrading {
namespace {

/// The rank where the file or the producers say it; -1 otherwise.
int64_t known_rank(const Graph& graph, ValueId id) {
    for (int64_t steps = 0; steps < 64 && id != ValueId::none; ++steps) {
        if (const auto& dims = graph.value(id).dims) return static_cast<int64_t>(dims->size());
        const NodeId maker = graph.producer(id);
        if (maker == NodeId::none) return -1;
        const std::string& op = graph.node(maker).op;
        if (op == "Gemm" || op == "Flatten") return 2;
        const bool keeps_rank = op == "Relu" || op == "Identity" || op == "Dropout" || op == "Conv" ||
                                op == "BatchNormalization" || op == "Cast" || op == "Transpose" ||
                                op == "GlobalAveragePool" || op == "MaxPool" || op == "AveragePool";
        if (!keeps_rank) return -1;
        id = graph.input(maker, 0);
    }
    return -1;
}

}  // namespace

void softmax(Graph& graph, NodeId id) {
    const int64_t axis = int_attribute(graph.node(id), "axis", 1);
    const ValueId x = graph.input(id, 0), y = graph.output(id);
    if (x == ValueId::none || y == ValueId::none) refuse(graph, id, "it has no input or no output", "export it again");
    graph.node(id).attributes["axis"] = int64_t{-1};
    if (axis == -1 || axis == known_rank(graph, x) - 1) return;
    const ValueId shape = insert_before(graph, id, "shape", "Shape", {x});
    graph.set_input(id, 0, insert_before(graph, id, "flat", "Flatten", {x}, {{"axis", axis}}));
    // The node makes a matrix now, and a Reshape behind it the old value; sort puts the Reshape before its readers.
    const std::string name = graph.node(id).name;
    const ValueId matrix = graph.add_value(graph.unused_value_name(name + "/matrix"));
    graph.node(id).outputs = {matrix};
    graph.value(matrix).producer = id;
    graph.value(y).producer = NodeId::none;
    graph::Node reshape;
    reshape.name = graph.unused_node_name(name + "/reshape");
    reshape.op = "Reshape";
    reshape.inputs = {matrix, shape};
    reshape.outputs = {y};
    reshape.sources = graph.node(id).sources;
    graph.add_node(std::move(reshape));
}

}  // namespace calotype::onnx::upgrading
