#include "optimize/transpose_words.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "graph/linear_quantization.hpp"

namespace calotype::optimize {
namespace {

constexpr std::array kOfOne{"Relu", "Clip", "LeakyRelu", "Sigmoid", "HardSigmoid", "HardSwish",
                            "Tanh", "Elu",  "Gelu",      "Mish",    "Softplus",    "Erf",
                            "Exp",  "Sqrt", "Neg",       "Abs",     "Cast",        "Identity"};
constexpr std::array kOfTwo{"Add", "Sub", "Mul", "Div"};

bool among(const auto& ops, const Graph& graph, NodeId id) {
    return std::ranges::any_of(ops, [&](const char* op) { return is_op(graph, id, op); });
}

/// A DequantizeLinear, or a QuantizeLinear before one: codes that leave the graph are not moved for it.
bool is_inner_quantization(const Graph& graph, NodeId id) {
    if (!graph::linear_quantization(graph, id)) return false;
    if (graph::is_dequantize(graph, id)) return true;
    const auto readers = graph.readers(graph.output(id));
    return !graph.is_output(graph.output(id)) &&
           std::ranges::all_of(readers, [&](NodeId reader) { return graph::is_dequantize(graph, reader); });
}

}  // namespace

bool is_elementwise_of_one(const Graph& graph, NodeId id) {
    return among(kOfOne, graph, id) || is_inner_quantization(graph, id);
}
bool is_elementwise_of_two(const Graph& graph, NodeId id) { return among(kOfTwo, graph, id); }

bool is_input(const Graph& graph, ValueId value) {
    const NodeId id = graph.producer(value);
    if (id == NodeId::none) return !graph.is_constant(value);
    return graph::is_dequantize(graph, id) && graph::linear_quantization(graph, id) &&
           graph.producer(graph.input(id, 0)) == NodeId::none;
}

bool is_made_of_input(const Graph& graph, ValueId value) {
    if (is_input(graph, value)) return true;
    const NodeId id = graph.producer(value);
    if (id == NodeId::none) return false;
    if (is_op(graph, id, "Transpose")) return is_input(graph, graph.input(id, 0));
    if (is_elementwise_of_one(graph, id)) return is_made_of_input(graph, graph.input(id, 0));
    if (!is_elementwise_of_two(graph, id)) return false;
    const size_t constant = graph.is_constant(graph.input(id, 0)) ? 0 : 1;
    return graph.is_constant(graph.input(id, constant)) && is_made_of_input(graph, graph.input(id, 1 - constant));
}

std::vector<int64_t> undone(const std::vector<int64_t>& perm) {
    std::vector<int64_t> back(perm.size());
    for (size_t i = 0; i < perm.size(); ++i) back[static_cast<size_t>(perm[i])] = static_cast<int64_t>(i);
    return back;
}

Tensor permuted(const Tensor& constant, const std::vector<int64_t>& perm) {
    const size_t rank = perm.size();
    Dims dims(rank, 1), target(rank), strides(rank, 1), step(rank);
    std::ranges::copy_backward(constant.dims(), dims.end());
    for (size_t axis = rank; axis-- > 1;) strides[axis - 1] = strides[axis] * dims[axis];
    for (size_t axis = 0; axis < rank; ++axis) {
        target[axis] = dims[static_cast<size_t>(perm[axis])];
        step[axis] = strides[static_cast<size_t>(perm[axis])];
    }
    Tensor result(constant.type(), target);
    const auto size = static_cast<size_t>(bytes_of(constant.type()));
    Dims index(rank, 0);
    for (int64_t i = 0; i < constant.elements(); ++i) {
        int64_t from = 0;
        for (size_t axis = 0; axis < rank; ++axis) from += index[axis] * step[axis];
        std::memcpy(&result.bytes()[static_cast<size_t>(i) * size], &constant.bytes()[static_cast<size_t>(from) * size],
                    size);
        for (size_t axis = rank; axis-- > 0 && ++index[axis] == target[axis];) index[axis] = 0;
    }
    return result;
}

}  // namespace calotype::optimize
