// Selu(x, alpha, gamma) => Mul(Elu(x, alpha), gamma)
// Celu(x, alpha)        => Mul(Elu(Mul(x, 1 / alpha), 1), alpha)     alpha = 1: Elu(x, 1)
// Exact in real numbers. Both are an ELU whose scale lies in its neighbours, where constant products fold.

#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {
namespace {

ValueId scaled(Graph& graph, NodeId before, ValueId x, double factor) {
    const ValueId constant = add_floats(graph, graph.node(before).name + "/scale", {}, {factor});
    const Dims dims = graph.value(x).dims.value_or(Dims{});
    return insert(graph, before, {"Mul", {x, constant}}, DataType::float32, dims);
}

}  // namespace

Rewrite selu_to_elu(Graph& graph, NodeId id) {
    const bool selu = is_op(graph, id, "Selu");
    if (!selu && !is_op(graph, id, "Celu")) return Rewrite::no_match();
    ValueId x = graph.input(id, 0);
    if (!is_float32(graph, x) || !known_dims(graph, x)) return Rewrite::declined("its dims are known only at run time");
    const graph::Node& node = graph.node(id);
    // ONNX's defaults: Selu's constants are those of its paper, rounded to float32.
    const float alpha = graph::float_attribute(node, "alpha", selu ? 1.67326319217681884765625F : 1.0F);
    const float factor = selu ? graph::float_attribute(node, "gamma", 1.05070102214813232421875F) : alpha;
    // Far from 1 x / alpha would leave float32 on its way.
    if (!selu && !(alpha >= 1e-6F && alpha <= 1e6F)) return Rewrite::declined("its alpha is not between 1e-6 and 1e6");
    if (!selu && alpha != 1) x = scaled(graph, id, x, 1.0 / alpha);
    if (factor == 1) {
        become(graph, id, {"Elu", {x}, {{"alpha", selu ? alpha : 1.0F}}});
        return Rewrite::done();
    }
    const NewOp elu{"Elu", {x}, {{"alpha", selu ? alpha : 1.0F}}};
    const ValueId y = insert(graph, id, elu, DataType::float32, *known_dims(graph, graph.input(id, 0)));
    become(graph, id, {"Mul", {y, add_floats(graph, graph.node(id).name + "/factor", {}, {factor})}, {}});
    return Rewrite::done();
}

}  // namespace calotype::optimize
