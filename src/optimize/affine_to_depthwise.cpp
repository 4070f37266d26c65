// BatchNormalization(x), Mul(x, k), Add(x, c) => Conv(x, W [c, 1, 1...], b), groups = channels
// Exact in real numbers. It is how a convolution engine scales and shifts channels.

#include <algorithm>
#include <array>

#include "optimize/affine.hpp"

namespace calotype::optimize {
namespace {

/// One number for all channels is also how activations are spelled (0.5 * x * (1 + erf(x / 1.41421))). Those are
/// recognised as a whole later, so such a constant stays where a part of one is near.
bool near_activation(const Graph& graph, ValueId x, int depth) {
    const NodeId id = graph.producer(x);
    if (id == NodeId::none || depth == 0) return false;
    constexpr std::array kParts{"Erf", "Tanh", "Sigmoid", "HardSigmoid", "Softplus", "Exp", "Clip", "Pow", "Sqrt"};
    if (std::ranges::any_of(kParts, [&](const char* op) { return is_op(graph, id, op); })) return true;
    if (!is_op(graph, id, "Mul") && !is_op(graph, id, "Add")) return false;
    return std::ranges::any_of(graph.node(id).inputs,
                               [&](ValueId in) { return near_activation(graph, in, depth - 1); });
}

bool uniform(const Affine& affine) {
    const auto same = [](const std::vector<double>& all) {
        return std::ranges::count(all, all.front()) == std::ssize(all);
    };
    return same(affine.factor) && same(affine.summand);
}

}  // namespace

Rewrite affine_to_depthwise(Graph& graph, NodeId id) {
    const auto affine = constant_affine(graph, id);
    if (!affine) return Rewrite::no_match();
    const auto dims = known_dims(graph, affine->x);
    if (!dims || dims->size() < 4 || dims->size() > 5)
        return Rewrite::declined("it is no map of two or three dimensions");
    if (uniform(*affine) && (graph.uses(affine->x) > 1 || near_activation(graph, affine->x, 3)))
        return Rewrite::declined("one constant for all channels may be part of an activation");
    const NodeId producer = graph.producer(affine->x);  // a convolution may be one that this very walk made
    if (is_op(graph, producer, "Conv") && read_once(graph, affine->x) && constant_filter(graph, producer))
        return Rewrite::no_match();  // fold_scale_and_bias's
    const int64_t channels = (*dims)[1];
    if (std::ssize(affine->factor) != channels) return Rewrite::declined("it has not one constant a channel");
    Filter filter{Dims(dims->size(), 1), affine->factor, affine->summand};
    filter.dims[0] = channels;
    if (!representable(filter)) return Rewrite::declined("a weight would leave the range of float32");
    const std::string base = graph.node(id).name;
    const ValueId weights = add_floats(graph, base + "/weights", filter.dims, filter.weights);
    const ValueId bias = add_floats(graph, base + "/bias", {channels}, filter.bias);
    const std::vector<int64_t> kernel(dims->size() - 2, 1);
    become(graph, id, {"Conv", {affine->x, weights, bias}, {{"group", channels}, {"kernel_shape", kernel}}});
    if (graph.node(id).outputs.size() > 1) graph.node(id).outputs.resize(1);
    return Rewrite::done();
}

}  // namespace calotype::optimize
