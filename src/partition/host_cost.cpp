#include "partition/partition.hpp"

namespace calotype::partition {
namespace {

using graph::Graph;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

int64_t elements(const Graph& graph, ValueId value) {
    if (value == ValueId::none) return 0;
    const auto dims = graph::concrete_dims(graph, value);
    return dims ? element_count(*dims) : 0;
}

int64_t bytes(const Graph& graph, ValueId value) {
    if (value == ValueId::none) return 0;
    return elements(graph, value) * bytes_of(graph.value(value).type.value_or(DataType::float32));
}

/// LSTM, GRU and RNN read X [steps, batch, features], or the first two the other way round, and multiply each step by
/// all of W and R, for every direction.
int64_t recurrent_macs(const Graph& graph, const Node& node) {
    const auto x = graph::concrete_dims(graph, node.inputs[0]);
    if (!x || x->size() != 3 || node.inputs.size() < 3) return 0;
    return (*x)[0] * (*x)[1] * (elements(graph, node.inputs[1]) + elements(graph, node.inputs[2]));
}

}  // namespace

int64_t macs_of(const Graph& graph, NodeId id) {
    const Node& node = graph.node(id);
    if (node.inputs.size() < 2 || node.outputs.empty() || node.inputs[1] == ValueId::none) return 0;
    const auto weights = graph::concrete_dims(graph, node.inputs[1]);
    if (!weights || weights->empty()) return 0;
    if (node.op == "LSTM" || node.op == "GRU" || node.op == "RNN") return recurrent_macs(graph, node);
    const int64_t out = elements(graph, node.outputs[0]);
    if (node.op == "Conv") return weights->front() == 0 ? 0 : out * (element_count(*weights) / weights->front());
    if (node.op == "ConvTranspose")
        return weights->front() == 0 ? 0
                                     : elements(graph, node.inputs[0]) * (element_count(*weights) / weights->front());
    if (node.op == "Gemm")
        return out * (*weights)[graph::int_attribute(node, "transB", 0) != 0 ? weights->size() - 1 : 0];
    if (node.op == "MatMul") return out * (*weights)[weights->size() < 2 ? 0 : weights->size() - 2];
    return 0;
}

double host_us(const Graph& graph, NodeId id, const npu::Config& config) {
    int64_t moved = 0;
    for (const ValueId input : graph.node(id).inputs) moved += bytes(graph, input);
    for (const ValueId output : graph.node(id).outputs) moved += bytes(graph, output);
    return 1e6 * (static_cast<double>(macs_of(graph, id)) / static_cast<double>(config.host_macs_per_second) +
                  static_cast<double>(moved) / static_cast<double>(config.host_bytes_per_second));
}

}  // namespace calotype::partition
