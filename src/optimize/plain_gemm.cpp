// Gemm(x, B, C; alpha, beta, transB) => Gemm(x, W, b; transB = 1)
// W = alpha * B or its transpose [out, in], b = beta * C [out]. Exact in real numbers; the products round once.

#include "optimize/affine.hpp"

namespace calotype::optimize {
namespace {

/// The bias as one entry an output, where the file gives it so, as [1, out] or as one number.
std::optional<std::vector<double>> bias_of(const Graph& graph, NodeId id, int64_t out) {
    if (!has_input(graph, id, 2)) return std::vector<double>(static_cast<size_t>(out), 0);
    return per_channel(graph, graph.input(id, 2), {1, out});
}

bool is_plain(const Graph& graph, NodeId id, int64_t out) {
    if (!is_plain_gemm(graph, id) || !has_input(graph, id, 2)) return false;
    return graph.value(graph.input(id, 2)).constant->dims() == Dims{out};
}

}  // namespace

Rewrite plain_gemm(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Gemm")) return Rewrite::no_match();
    const Node& node = graph.node(id);
    const auto factor = floats(graph, node.inputs[1]);
    if (!factor) return Rewrite::declined("the weights are computed at run time");
    if (graph::int_attribute(node, "transA", 0) != 0) return Rewrite::declined("it transposes its input");
    const Dims dims = graph.value(node.inputs[1]).constant->dims();
    if (dims.size() != 2) return Rewrite::declined("the weights are no matrix");
    const bool turned = graph::int_attribute(node, "transB", 0) != 0;
    const int64_t out = turned ? dims[0] : dims[1], in = turned ? dims[1] : dims[0];
    auto bias = bias_of(graph, id, out);
    if (!bias) return Rewrite::declined("the bias is computed at run time or has not one entry an output");
    if (is_plain(graph, id, out)) return Rewrite::no_match();
    const double alpha = graph::float_attribute(node, "alpha", 1), beta = graph::float_attribute(node, "beta", 1);
    for (double& b : *bias) b *= beta;
    std::vector<double> weights(factor->size());
    for (int64_t o = 0; o < out; ++o)
        for (int64_t i = 0; i < in; ++i)
            weights[static_cast<size_t>(o * in + i)] =
                alpha * (*factor)[static_cast<size_t>(turned ? o * in + i : i * out + o)];
    if (!representable({{out, in}, weights, *bias}))
        return Rewrite::declined("a weight would leave the range of float32");
    const std::string base = node.name, weights_name = graph.value(node.inputs[1]).name;
    const ValueId x = node.inputs[0];
    const ValueId w = turned && alpha == 1 ? node.inputs[1] : add_floats(graph, weights_name, {out, in}, weights);
    const ValueId b = add_floats(graph, base + "/bias", {out}, *bias);
    become(graph, id, {"Gemm", {x, w, b}, {{"transB", int64_t{1}}}});
    return Rewrite::done();
}

}  // namespace calotype::optimize
