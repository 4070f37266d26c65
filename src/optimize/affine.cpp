#include "optimize/affine.hpp"

#include <algorithm>
#include <cmath>

namespace calotype::optimize {

bool Affine::only_scales() const {
    return std::ranges::all_of(summand, [](double x) { return x == 0; });
}

std::optional<Affine> constant_scale_or_bias(const Graph& graph, NodeId id) {
    const bool product = is_op(graph, id, "Mul"), sum = is_op(graph, id, "Add"), difference = is_op(graph, id, "Sub");
    if (!product && !sum && !difference) return {};
    const size_t index = graph.is_constant(graph.input(id, 0)) ? 0 : 1;
    if (difference && index != 0) return {};  // sub_to_add's
    const ValueId constant = graph.input(id, index), x = graph.input(id, 1 - index);
    const auto dims = known_dims(graph, x);
    if (!graph.is_constant(constant) || graph.is_constant(x) || !dims || !is_float32(graph, x)) return {};
    if (dims != known_dims(graph, graph.output(id))) return {};
    const auto c = per_channel(graph, constant, *dims);
    if (!c) return {};
    if (product) return Affine{x, *c, std::vector<double>(c->size(), 0)};
    return Affine{x, std::vector<double>(c->size(), difference ? -1 : 1), *c};
}

std::optional<Affine> constant_batch_norm(const Graph& graph, NodeId id) {
    if (!is_op(graph, id, "BatchNormalization") || graph.node(id).inputs.size() != 5) return {};
    const Node& node = graph.node(id);
    if (graph::int_attribute(node, "training_mode", 0) != 0) return {};
    for (size_t i = 1; i < node.outputs.size(); ++i)
        if (node.outputs[i] != ValueId::none && graph.uses(node.outputs[i]) > 0) return {};
    const auto gamma = floats(graph, node.inputs[1]), beta = floats(graph, node.inputs[2]);
    const auto mean = floats(graph, node.inputs[3]), variance = floats(graph, node.inputs[4]);
    if (!gamma || !beta || !mean || !variance) return {};
    const size_t channels = gamma->size();
    if (beta->size() != channels || mean->size() != channels || variance->size() != channels) return {};
    const double epsilon = graph::float_attribute(node, "epsilon", 1e-5f);
    Affine affine{node.inputs[0], std::vector<double>(channels), std::vector<double>(channels)};
    for (size_t c = 0; c < channels; ++c) {
        affine.factor[c] = (*gamma)[c] / std::sqrt((*variance)[c] + epsilon);
        affine.summand[c] = (*beta)[c] - (*mean)[c] * affine.factor[c];
    }
    return affine;
}

std::optional<Affine> constant_affine(const Graph& graph, NodeId id) {
    if (id == NodeId::none) return {};
    if (auto affine = constant_batch_norm(graph, id)) return affine;
    return constant_scale_or_bias(graph, id);
}

bool is_plain_gemm(const Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Gemm")) return false;
    const Node& node = graph.node(id);
    return graph::int_attribute(node, "transA", 0) == 0 && graph::int_attribute(node, "transB", 0) == 1 &&
           graph::float_attribute(node, "alpha", 1) == 1 && graph::float_attribute(node, "beta", 1) == 1;
}

std::optional<Filter> constant_filter(const Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Conv") && !is_plain_gemm(graph, id)) return {};
    const auto weights = floats(graph, graph.input(id, 1));
    if (!weights) return {};
    const Dims& dims = graph.value(graph.input(id, 1)).constant->dims();
    if (dims.size() < 2 || weights->empty()) return {};
    Filter filter{dims, {weights->begin(), weights->end()}, std::vector<double>(static_cast<size_t>(dims[0]), 0)};
    filter.groups = graph::int_attribute(graph.node(id), "group", 1);
    if (filter.groups < 1 || dims[0] % filter.groups != 0) return {};
    if (has_input(graph, id, 2)) {
        const auto bias = floats(graph, graph.input(id, 2));
        if (!bias || bias->size() != filter.bias.size()) return {};
        std::ranges::copy(*bias, filter.bias.begin());
    }
    return filter;
}

bool representable(const Filter& filter) {
    const auto finite = [](double x) { return std::isfinite(static_cast<float>(x)); };
    return std::ranges::all_of(filter.weights, finite) && std::ranges::all_of(filter.bias, finite);
}

Rewrite fold_into_producer(Graph& graph, NodeId id, const Affine& affine) {
    const NodeId producer = graph.producer(affine.x);
    if (!is_op(graph, producer, "Conv") && !is_op(graph, producer, "Gemm")) return Rewrite::no_match();
    auto filter = constant_filter(graph, producer);
    if (!filter) return Rewrite::declined("the weights or the bias before it are computed at run time");
    if (!read_once(graph, affine.x)) return Rewrite::declined("another reader needs the result before it");
    if (filter->bias.size() != affine.factor.size()) return Rewrite::declined("it has not one constant a channel");
    const size_t row_elems = filter->row_elems();
    for (size_t row = 0; row < filter->bias.size(); ++row) {
        const auto first = filter->weights.begin() + static_cast<std::ptrdiff_t>(row * row_elems);
        for (auto weight = first; weight != first + static_cast<std::ptrdiff_t>(row_elems); ++weight)
            *weight *= affine.factor[row];
        filter->bias[row] = filter->bias[row] * affine.factor[row] + affine.summand[row];
    }
    if (!representable(*filter)) return Rewrite::declined("a weight would leave the range of float32");
    const Node& old = graph.node(producer);
    NewOp folded{old.op, {old.inputs[0], ValueId::none, ValueId::none}, old.attributes};
    const std::string weights_name = graph.value(old.inputs[1]).name;
    folded.inputs[1] = affine.factor == std::vector<double>(affine.factor.size(), 1.0)
                           ? old.inputs[1]  // the same weights
                           : add_floats(graph, weights_name, filter->dims, filter->weights);
    folded.inputs[2] = add_floats(graph, graph.node(producer).name + "/bias", {filter->rows()}, filter->bias);
    absorb(graph, id, producer);
    become(graph, id, std::move(folded));
    return Rewrite::done();
}

std::optional<std::pair<NodeId, ValueId>> bias_behind(const Graph& graph, NodeId id) {
    const ValueId product = graph.output(id);
    if (!read_once(graph, product)) return {};
    const NodeId add = graph.readers(product).front();
    if (!is_op(graph, add, "Add") || known_dims(graph, graph.output(add)) != known_dims(graph, product)) return {};
    const ValueId bias = graph.input(add, graph.input(add, 0) == product ? 1 : 0);
    const auto dims = known_dims(graph, product);
    if (!dims || !floats(graph, bias) || graph.value(bias).constant->dims() != Dims{dims->back()}) return {};
    return std::pair{add, bias};
}

}  // namespace calotype::optimize
