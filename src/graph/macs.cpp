#include "graph/macs.hpp"

#include <algorithm>
#include <vector>

namespace calotype::graph {
namespace {

int64_t elements(const Graph& graph, ValueId value) {
    if (value == ValueId::none) return 0;
    const auto dims = concrete_dims(graph, value);
    return dims ? element_count(*dims) : 0;
}

/// LSTM, GRU and RNN read X [steps, batch, features], or the first two the other way round, and multiply each step by
/// all of W and R, for every direction.
int64_t recurrent_macs(const Graph& graph, const Node& node) {
    const auto x = concrete_dims(graph, node.inputs[0]);
    if (!x || x->size() != 3 || node.inputs.size() < 3) return 0;
    return (*x)[0] * (*x)[1] * (elements(graph, node.inputs[1]) + elements(graph, node.inputs[2]));
}

/// Axis 0 of the first input that has axes, all known and none empty.
std::optional<int64_t> batch_of_inputs(const Graph& graph) {
    for (const ValueId input : graph.inputs) {
        const auto dims = concrete_dims(graph, input);
        if (dims && !dims->empty() && std::ranges::none_of(*dims, [](int64_t dim) { return dim < 1; }))
            return dims->front();
    }
    return {};
}

struct Count {
    int64_t batch, macs;
};

/// Calls use(axis 0 of what it reads, MACs) for the products with constants, of convolutions or of matrices.
template <class Use>
void for_each_product(const Graph& graph, bool convolutions, const Use& use) {
    for (const NodeId id : graph.nodes()) {
        const Node& node = graph.node(id);
        if (convolutions ? node.op != "Conv" : node.op != "Gemm" && node.op != "MatMul") continue;
        if (node.inputs.size() < 2 || !graph.is_constant(node.inputs[1])) continue;
        const auto dims = concrete_dims(graph, node.inputs[0]);
        if (dims && !dims->empty() && dims->front() > 0) use(dims->front(), macs_of(graph, id));
    }
}

}  // namespace

int64_t macs_of(const Graph& graph, NodeId id) {
    const Node& node = graph.node(id);
    if (node.inputs.size() < 2 || node.outputs.empty() || node.inputs[1] == ValueId::none) return 0;
    const auto weights = concrete_dims(graph, node.inputs[1]);
    if (!weights || weights->empty()) return 0;
    if (node.op == "LSTM" || node.op == "GRU" || node.op == "RNN") return recurrent_macs(graph, node);
    const int64_t out = elements(graph, node.outputs[0]);
    if (node.op == "Conv") return weights->front() == 0 ? 0 : out * (element_count(*weights) / weights->front());
    if (node.op == "ConvTranspose")
        return weights->front() == 0 ? 0
                                     : elements(graph, node.inputs[0]) * (element_count(*weights) / weights->front());
    if (node.op == "Gemm") return out * (*weights)[int_attribute(node, "transB", 0) != 0 ? weights->size() - 1 : 0];
    if (node.op == "MatMul") return out * (*weights)[weights->size() < 2 ? 0 : weights->size() - 2];
    return 0;
}

std::optional<int64_t> batch_of(const Graph& graph) {
    const auto of_inputs = batch_of_inputs(graph);
    if (!of_inputs) return {};
    std::vector<Count> counts{{*of_inputs, 0}};
    for_each_product(graph, true, [&](int64_t batch, int64_t macs) {
        const auto known = std::ranges::find(counts, batch, &Count::batch);
        if (known == counts.end())
            counts.push_back({batch, macs});
        else
            known->macs += macs;
    });
    for_each_product(graph, false, [&](int64_t rows, int64_t macs) {
        for (Count& count : counts)
            if (count.batch == rows || count.batch == *of_inputs || count.batch == 1) count.macs += macs;
    });
    return std::ranges::max_element(counts, {}, &Count::macs)->batch;  // the first of equals: the inputs'
}

}  // namespace calotype::graph
