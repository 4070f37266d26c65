// y = x W + b. W's rows follow the order in which x's tensor lies in memory, so that a Flatten costs nothing.

#include <fmt/format.h>

#include "lower/families.hpp"

namespace calotype::lower {
namespace {

struct Weights {
    std::vector<float> rows;  // [out, in]
    int64_t out = 0, in = 0;
};

Weights weights_of(const Builder& builder, ValueId value, bool transposed) {
    const auto given = builder.constant(value);
    if (!given)
        builder.decline(builder.graph.node(builder.graph.readers(value).front()).op == "MatMul"
                            ? "NPU_MATMUL"
                            : "NPU_RUN_TIME_WEIGHTS",
                        fmt::format("a product with `{}`, computed at run time", builder.name(value)));
    const Dims& dims = builder.graph.value(value).constant->dims();
    if (dims.size() != 2) builder.decline("NPU_MATMUL", fmt::format("weights of {}", to_string(dims)));
    if (transposed) return {*given, dims[0], dims[1]};
    Weights weights{std::vector<float>(given->size()), dims[1], dims[0]};
    for (int64_t i = 0; i < weights.in; ++i)
        for (int64_t o = 0; o < weights.out; ++o)
            weights.rows[static_cast<size_t>(o * weights.in + i)] = (*given)[static_cast<size_t>(i * weights.out + o)];
    return weights;
}

void add_fully_connected(Builder& builder, NodeId id, const Weights& weights, std::vector<float> bias) {
    const ValueId x = builder.graph.input(id, 0);
    if (builder.dims(x).size() != 2 || builder.dims(x)[1] != weights.in)
        builder.decline("NPU_SHAPE",
                        fmt::format("{} times weights of {} inputs", to_string(builder.dims(x)), weights.in));
    const auto [input, order] = builder.placed(x)
                                    ? builder.require_as_it_lies(x)
                                    : std::pair(builder.require_channels_last(x), channels_last(builder.dims(x)));
    const std::vector<int64_t> feature = source_positions(order);
    std::vector<float> rows(weights.rows.size());
    for (int64_t o = 0; o < weights.out; ++o)
        for (int64_t i = 0; i < weights.in; ++i)
            rows[static_cast<size_t>(o * weights.in + i)] =
                weights.rows[static_cast<size_t>(o * weights.in + feature[static_cast<size_t>(i)])];
    builder.add_channels_last(id,
                              {npu::FullyConnected{weights.in, weights.out}, {input}, std::move(rows), std::move(bias)},
                              builder.graph.output(id));
}

std::vector<float> bias_of(const Builder& builder, ValueId value, int64_t out) {
    if (value == ValueId::none) return std::vector<float>(static_cast<size_t>(out), 0.0F);
    auto bias = builder.constant(value);
    if (!bias) builder.decline("NPU_RUN_TIME_WEIGHTS", fmt::format("`{}`, computed at run time", builder.name(value)));
    if (bias->size() == 1) bias->resize(static_cast<size_t>(out), bias->front());
    if (static_cast<int64_t>(bias->size()) != out)
        builder.decline("NPU_ATTRIBUTE", fmt::format("{} biases for {} outputs", bias->size(), out));
    return *bias;
}

}  // namespace

void lower_gemm(Builder& builder, NodeId id) {
    const Node& node = builder.graph.node(id);
    if (graph::int_attribute(node, "transA", 0) != 0) builder.decline("NPU_ATTRIBUTE", "transA is 1");
    const float alpha = graph::float_attribute(node, "alpha", 1), beta = graph::float_attribute(node, "beta", 1);
    Weights weights = weights_of(builder, builder.graph.input(id, 1), graph::int_attribute(node, "transB", 0) != 0);
    std::vector<float> bias = bias_of(builder, builder.graph.input(id, 2), weights.out);
    for (float& w : weights.rows) w *= alpha;
    for (float& b : bias) b *= beta;
    add_fully_connected(builder, id, weights, std::move(bias));
}

void lower_matmul(Builder& builder, NodeId id) {
    const Graph& graph = builder.graph;
    const ValueId x = graph.input(id, 0);
    const Weights weights = weights_of(builder, graph.input(id, 1), false);
    std::vector<float> bias(static_cast<size_t>(weights.out), 0.0F);
    const Dims dims = builder.dims(x);
    if (dims.size() == 2) return add_fully_connected(builder, id, weights, std::move(bias));
    // The last axis is the channels: a 1x1 convolution over all the axes before it.
    const Dims out = builder.dims(graph.output(id));
    const Order order = Order::identity({dims.begin() + 1, dims.end()});
    const npu::TensorId input = builder.require(x, order, {dims.begin() + 1, dims.end()});
    builder.add(id, {npu::Conv{weights.in, weights.out, 1, {}}, {input}, weights.rows, std::move(bias)},
                graph.output(id), Order::identity({out.begin() + 1, out.end()}), {out.begin() + 1, out.end()});
}

}  // namespace calotype::lower
