// Mul(Cast(MatMulInteger(q, W, q_zero, W_zero)), q_scale * W_scale) => MatMul(x, DequantizeLinear(W, W_scale, W_zero))
//   where q, q_scale, q_zero = DynamicQuantizeLinear(x); likewise ConvInteger
// Leaves out the rounding of x to the 8 bits of each run's own range: half a step of (max x - min x) / 255. What ONNX
// Runtime's dynamic quantization makes of a network is so a product of reals again; the NPU's scale of x comes from the
// samples.

#include "optimize/quantization_words.hpp"
#include "optimize/rewrite.hpp"

namespace calotype::optimize {
namespace {

/// The node behind an output of which it is the only reader; none where there are others.
NodeId only_reader(const Graph& graph, NodeId id, std::string_view op) {
    const ValueId y = graph.output(id);
    if (!read_once(graph, y)) return NodeId::none;
    const auto readers = graph.readers(y);
    return readers.size() == 1 && is_op(graph, readers[0], op) ? readers[0] : NodeId::none;
}

/// Of q_scale * W_scale, W_scale.
ValueId weights_scale(const Graph& graph, ValueId product, ValueId q_scale) {
    const NodeId mul = graph.producer(product);
    if (!is_op(graph, mul, "Mul")) return ValueId::none;
    for (const size_t i : {size_t{0}, size_t{1}})
        if (graph.input(mul, i) == q_scale && floats(graph, graph.input(mul, 1 - i))) return graph.input(mul, 1 - i);
    return ValueId::none;
}

}  // namespace

Rewrite integer_product_to_reals(Graph& graph, NodeId id) {
    const bool conv = is_op(graph, id, "ConvInteger");
    if (!conv && !is_op(graph, id, "MatMulInteger")) return Rewrite::no_match();
    const NodeId dynamic = producer_of_op(graph, id, "DynamicQuantizeLinear");
    if (dynamic == NodeId::none || graph.input(id, 0) != graph.output(dynamic, 0) ||
        graph.input(id, 2) != graph.output(dynamic, 2))
        return Rewrite::declined("its codes are no DynamicQuantizeLinear's");
    const ValueId weights = graph.input(id, 1), zero = graph.input(id, 3);
    if (!graph.is_constant(weights) || (zero != ValueId::none && !graph.is_constant(zero)))
        return Rewrite::declined("its weights are computed at run time");
    const NodeId cast = only_reader(graph, id, "Cast");
    const NodeId mul = cast == NodeId::none ? cast : only_reader(graph, cast, "Mul");
    if (mul == NodeId::none) return Rewrite::declined("the product is not brought back to reals");
    const ValueId other = graph.input(mul, graph.input(mul, 0) == graph.output(cast) ? 1 : 0);
    const ValueId scale = weights_scale(graph, other, graph.output(dynamic, 1));
    if (scale == ValueId::none) return Rewrite::declined("the product is not brought back to reals");
    const auto& dims = *graph.value(weights).dims;
    const int64_t axis = conv ? 0 : static_cast<int64_t>(dims.size()) - 1;
    const auto scales = *floats(graph, scale);
    if (scales.size() != 1 && (conv || graph.value(scale).dims != Dims{dims.back()}))
        return Rewrite::declined("its scales are neither one nor one a column");
    if (zero != ValueId::none && graph.value(zero).constant->elements() != std::ssize(scales))
        return Rewrite::declined("its zero points are not as many as its scales");
    const Dims shape = scales.size() > 1 ? Dims{std::ssize(scales)} : Dims{};
    const ValueId one_shape = add_floats(graph, graph.node(id).name + "/scale", shape, {scales.begin(), scales.end()});
    ValueId own_zero = zero;
    if (zero != ValueId::none && graph.value(zero).dims != shape)
        own_zero = graph.add_constant(graph.unused_value_name(graph.value(zero).name),
                                      graph.value(zero).constant->reshaped(shape));
    const ValueId reals = insert_dequantize(graph, mul, weights, one_shape, own_zero, axis);
    for (const NodeId from : {id, cast}) absorb(graph, mul, from);
    become(graph, mul,
           {conv ? "Conv" : "MatMul", {graph.input(dynamic, 0), reals}, std::map(graph.node(id).attributes)});
    return Rewrite::done();
}

}  // namespace calotype::optimize
