// d / Sqrt(ReduceMean(d^2) + epsilon) * gamma + beta,  d = x - ReduceMean(x)  => LayerNormalization(x, gamma, beta)
// over the last axes, as exporters below opset 17 write it; gamma and beta where they are constants. Exact in real
// numbers. The parts would be split between NPU and CPU: a mean in eight bits, its difference from x in FP32.

#include <algorithm>

#include "optimize/reduce_words.hpp"
#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {
namespace {

/// The axes of a mean that are the last ones, counted; 0 where they are others.
int64_t last_axes(const Graph& graph, NodeId id) {
    const auto dims = known_dims(graph, graph.input(id, 0));
    const auto axes = reduced_axes(graph, id);
    if (!dims || !axes || !keeps_dims(graph, id)) return 0;
    const bool last =
        std::ranges::all_of(*axes, [&](int64_t axis) { return axis >= std::ssize(*dims) - std::ssize(*axes); });
    return last && std::size(*axes) < std::size(*dims) ? std::ssize(*axes) : 0;
}

bool is_square_of(const Graph& graph, NodeId id, ValueId d) {
    if (graph.input(id, 0) != d) return false;
    if (is_op(graph, id, "Pow")) return scalar(graph, graph.input(id, 1)) == 2.0F;
    return is_op(graph, id, "Mul") && graph.input(id, 1) == d;
}

struct Parts {
    ValueId x = ValueId::none;
    int64_t axes = 0;  ///< how many last ones
    float epsilon = 0;
    std::vector<NodeId> nodes;
};

/// What a Div normalizes; ONNX's operator is that where both means are over the same last axes.
std::optional<Parts> parts_of_div(const Graph& graph, NodeId div) {
    const ValueId d = graph.input(div, 0);
    const NodeId sub = producer_of_op(graph, div, "Sub"), root = producer_of_op(graph, div, "Sqrt", 1);
    const NodeId sum = root == NodeId::none ? root : producer_of_op(graph, root, "Add");
    if (sub == NodeId::none || sum == NodeId::none) return {};
    const NodeId variance = producer_of_op(graph, sum, "ReduceMean");
    const NodeId mean = producer_of_op(graph, sub, "ReduceMean", 1);
    const auto epsilon = scalar(graph, graph.input(sum, 1));
    if (variance == NodeId::none || mean == NodeId::none || !epsilon || *epsilon < 0) return {};
    const NodeId square = graph.producer(graph.input(variance, 0));
    const ValueId x = graph.input(sub, 0);
    if (square == NodeId::none || !is_square_of(graph, square, d) || graph.input(mean, 0) != x) return {};
    const int64_t axes = last_axes(graph, mean);
    if (axes == 0 || axes != last_axes(graph, variance) || !is_float32(graph, x)) return {};
    return Parts{x, axes, *epsilon, {mean, sub, square, variance, sum, root}};
}

/// The one reader of `id`, where it is `op` with a constant of the normalized axes; and that constant.
std::optional<std::pair<NodeId, ValueId>> applied(const Graph& graph, NodeId id, const char* op, const Dims& axes) {
    const ValueId y = graph.output(id);
    if (!read_once(graph, y)) return {};
    const NodeId reader = graph.readers(y).front();
    if (!is_op(graph, reader, op)) return {};
    const ValueId constant = graph.input(reader, graph.input(reader, 0) == y ? 1 : 0);
    if (!graph.is_constant(constant) || graph.value(constant).constant->dims() != axes || !is_float32(graph, constant))
        return {};
    return std::pair{reader, constant};
}

}  // namespace

Rewrite layer_norm_from_parts(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Div")) return Rewrite::no_match();
    const auto parts = parts_of_div(graph, id);
    if (!parts) return Rewrite::no_match();
    const Dims dims = *known_dims(graph, parts->x), normalized(dims.end() - parts->axes, dims.end());
    NodeId last = id;
    std::vector<NodeId> nodes = parts->nodes;
    const auto gamma = applied(graph, last, "Mul", normalized);
    if (gamma) nodes.push_back(std::exchange(last, gamma->first));
    const auto beta = gamma ? applied(graph, last, "Add", normalized) : std::nullopt;
    if (beta) nodes.push_back(std::exchange(last, beta->first));
    const std::vector<double> ones(static_cast<size_t>(element_count(normalized)), 1);
    std::vector<ValueId> inputs{
        parts->x, gamma ? gamma->second : add_floats(graph, graph.node(id).name + "/ones", normalized, ones)};
    if (beta) inputs.push_back(beta->second);
    for (const NodeId node : nodes) absorb(graph, last, node);
    become(graph, last, {"LayerNormalization", inputs, {{"axis", -parts->axes}, {"epsilon", parts->epsilon}}});
    return Rewrite::done();
}

}  // namespace calotype::optimize
