// Conv(x * k + c, W, b) => Conv(x, W * k, b + sum of W * c),   k and c constant [in], where c = 0 or nothing is padded
// Likewise Gemm. Exact in real numbers; computed in float64 and rounded once. Padding is 0 on both sides of the
// equation, but would have to be -c / k on the right: hence the condition.

#include <algorithm>

#include "optimize/affine.hpp"

namespace calotype::optimize {
namespace {

bool is_padded(const Graph& graph, NodeId id) {
    const Node& node = graph.node(id);
    const auto mode = graph::string_attribute(node, "auto_pad", "NOTSET");
    return (mode != "NOTSET" && mode != "VALID") ||
           std::ranges::any_of(graph::ints_attribute(node, "pads"), [](int64_t pad) { return pad != 0; });
}

/// Each weight takes the factor of the input channel it meets.
void take(Filter& filter, const Affine& affine) {
    const auto channels_of_group = static_cast<size_t>(filter.dims[1]);
    const size_t taps = filter.row_elems() / channels_of_group;
    const size_t rows_of_group = filter.bias.size() / static_cast<size_t>(filter.groups);
    size_t weight = 0;
    for (size_t row = 0; row < filter.bias.size(); ++row)
        for (size_t channel = 0; channel < channels_of_group; ++channel) {
            const size_t in = row / rows_of_group * channels_of_group + channel;
            for (size_t tap = 0; tap < taps; ++tap, ++weight) {
                filter.bias[row] += filter.weights[weight] * affine.summand[in];
                filter.weights[weight] *= affine.factor[in];
            }
        }
}

}  // namespace

Rewrite fold_into_next(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Conv") && !is_op(graph, id, "Gemm")) return Rewrite::no_match();
    const NodeId before = graph.producer(graph.input(id, 0));
    const auto affine = constant_affine(graph, before);
    if (!affine) return Rewrite::no_match();
    auto filter = constant_filter(graph, id);
    if (!filter) return Rewrite::declined("the weights or the bias are computed at run time");
    if (static_cast<int64_t>(affine->factor.size()) != filter->dims[1] * filter->groups)
        return Rewrite::declined("it has not one constant a channel");
    if (!affine->only_scales() && is_padded(graph, id))
        return Rewrite::declined("the padding would not be zero any more");
    take(*filter, *affine);
    if (!representable(*filter)) return Rewrite::declined("a weight would leave the range of float32");
    const std::string weights_name = graph.value(graph.input(id, 1)).name, base = graph.node(id).name;
    const ValueId weights = add_floats(graph, weights_name, filter->dims, filter->weights);
    const ValueId bias = add_floats(graph, base + "/bias", {filter->rows()}, filter->bias);
    if (read_once(graph, graph.input(id, 0))) absorb(graph, id, before);
    set_inputs(graph, id, {affine->x, weights, bias});
    return Rewrite::done();
}

}  // namespace calotype::optimize
