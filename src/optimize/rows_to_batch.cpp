// MatMul(x [r..., in], W [in, out]) => Reshape(MatMul(Reshape(x, [1, rows, in]), W), [r..., out])
// Gemm(x [rows, in], W, b)          => Reshape(Add(MatMul(Reshape(x, [1, rows, in]), W^T), b), [rows, out])
// for rows that are no samples, where the batch is 1. Exact. It is how nn.MultiheadAttention comes out, which puts the
// steps in front of the batch, and attention within windows, which puts the windows there: linear_to_conv then makes a
// convolution of it. Needs plain_gemm.

#include <algorithm>

#include "graph/macs.hpp"
#include "optimize/affine.hpp"
#include "optimize/reshape_words.hpp"

namespace calotype::optimize {
namespace {

/// Why a value with these dims needs no other place for its rows, or can have none; empty where it does.
std::string hindrance(const Graph& graph, const std::optional<Dims>& dims) {
    if (!dims || dims->size() < 2) return "the input has not the axes [rows, features]";
    if (graph::batch_of(graph) != 1) return "the batch is not 1";
    const bool is_batch = dims->front() == 1 && dims->size() <= 5;
    return is_batch ? "its first axis is the batch" : "";
}

ValueId rows_of(Graph& graph, NodeId before, ValueId x, int64_t features) {
    const int64_t rows = element_count(*known_dims(graph, x)) / features;
    const ValueId shape = add_integers(graph, graph.node(before).name + "/rows", {1, -1, features});
    return insert(graph, before, {"Reshape", {x, shape}}, DataType::float32, {1, rows, features});
}

ValueId product(Graph& graph, NodeId before, ValueId rows, ValueId matrix, int64_t out) {
    const int64_t count = (*known_dims(graph, rows))[1];
    return insert(graph, before, {"MatMul", {rows, matrix}}, DataType::float32, {1, count, out});
}

ValueId sum(Graph& graph, NodeId before, ValueId made, ValueId bias) {
    return insert(graph, before, {"Add", {made, bias}}, DataType::float32, *known_dims(graph, made));
}

Rewrite of_matmul(Graph& graph, NodeId id) {
    const ValueId x = graph.input(id, 0), matrix = graph.input(id, 1);
    if (graph.is_constant(x) || !is_float32(graph, x) || !floats(graph, matrix) ||
        graph.value(matrix).constant->dims().size() != 2)
        return Rewrite::no_match();
    if (std::string why = hindrance(graph, known_dims(graph, x)); !why.empty())
        return Rewrite::declined(std::move(why));
    const Dims weights = graph.value(matrix).constant->dims();
    const ValueId made = product(graph, id, rows_of(graph, id, x, weights[0]), matrix, weights[1]);
    if (const auto bias = bias_behind(graph, id)) {
        absorb(graph, bias->first, id);
        become_reshape(graph, bias->first, sum(graph, bias->first, made, bias->second));
    } else {
        become_reshape(graph, id, made);
    }
    return Rewrite::done();
}

Rewrite of_gemm(Graph& graph, NodeId id) {
    if (!is_plain_gemm(graph, id) || !has_input(graph, id, 2)) return Rewrite::no_match();
    const ValueId x = graph.input(id, 0);
    if (std::string why = hindrance(graph, known_dims(graph, x)); !why.empty())
        return Rewrite::declined(std::move(why));
    const Filter filter = *constant_filter(graph, id);
    const auto out = filter.rows(), in = filter.dims[1];
    std::vector<double> turned(filter.weights.size());
    for (int64_t o = 0; o < out; ++o)
        for (int64_t i = 0; i < in; ++i)
            turned[static_cast<size_t>(i * out + o)] = filter.weights[static_cast<size_t>(o * in + i)];
    const ValueId matrix = add_floats(graph, graph.value(graph.input(id, 1)).name, {in, out}, turned);
    const ValueId made = product(graph, id, rows_of(graph, id, x, in), matrix, out);
    become_reshape(graph, id, sum(graph, id, made, graph.input(id, 2)));
    return Rewrite::done();
}

}  // namespace

Rewrite rows_to_batch(Graph& graph, NodeId id) {
    if (is_op(graph, id, "MatMul")) return of_matmul(graph, id);
    if (is_op(graph, id, "Gemm")) return of_gemm(graph, id);
    return Rewrite::no_match();
}

}  // namespace calotype::optimize
