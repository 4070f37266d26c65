// Mul(Clip(Add(x, a), 0, h), k) => HardSigmoid(x; alpha = k, beta = a * k)   where h * k = 1
// Exact in real numbers. Exporters write it with a = 3, h = 6, k = 1 / 6. A HardSwish then is x * HardSigmoid(x).

#include <cmath>

#include "optimize/clip_words.hpp"
#include "optimize/rewrite.hpp"

namespace calotype::optimize {
namespace {

/// The scalar constant among the two inputs of an Add or Mul, and the other input.
struct WithScalar {
    ValueId x = ValueId::none;
    float constant = 0;
};
std::optional<WithScalar> with_scalar(const Graph& graph, NodeId id) {
    for (const size_t index : {size_t{1}, size_t{0}})
        if (const auto constant = scalar(graph, graph.input(id, index)))
            return WithScalar{graph.input(id, 1 - index), *constant};
    return {};
}

}  // namespace

Rewrite hard_sigmoid_from_clip(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Mul")) return Rewrite::no_match();
    const auto product = with_scalar(graph, id);
    if (!product) return Rewrite::no_match();
    const NodeId clip_id = graph.producer(product->x);
    if (!is_op(graph, clip_id, "Clip")) return Rewrite::no_match();
    const NodeId add_id = producer_of_op(graph, clip_id, "Add");
    const auto bounds = bounds_of(graph, clip_id);
    if (add_id == NodeId::none || !bounds || bounds->lo != 0) return Rewrite::no_match();
    const auto sum = with_scalar(graph, add_id);
    if (!sum) return Rewrite::no_match();
    if (std::abs(bounds->hi * product->constant - 1) > 1e-6f) return Rewrite::declined("it does not end at 1");
    if (!read_once(graph, product->x) || !read_once(graph, graph.input(clip_id, 0)))
        return Rewrite::declined("another reader needs a result in between");
    if (known_dims(graph, sum->x) != known_dims(graph, graph.output(id)))
        return Rewrite::declined("a constant has more dims than the value");
    absorb(graph, id, clip_id);
    absorb(graph, id, add_id);
    become(graph, id,
           {"HardSigmoid", {sum->x}, {{"alpha", product->constant}, {"beta", sum->constant * product->constant}}});
    return Rewrite::done();
}

}  // namespace calotype::optimize
