// Where(Greater(x, t), x, Softplus(x)) => Softplus(x)     t at least 15
// Log(Exp(x) + 1)                      => Softplus(x)
// The first is how PyTorch's exporter writes Softplus; beyond 15, x and Softplus(x) are the same float32 or neighbours.
// The second is exact in real numbers, and finite where Exp overflows.

#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {
namespace {

constexpr float kLeastThreshold = 15;  // log(1 + exp(-15)) is 3e-7, half a unit in the last place of 15 is 4.8e-7

bool same_known_dims(const Graph& graph, ValueId a, ValueId b) {
    const auto dims = known_dims(graph, a);
    return dims && dims == known_dims(graph, b);
}

Rewrite without_threshold(Graph& graph, NodeId id) {
    const NodeId greater = producer_of_op(graph, id, "Greater"), softplus = producer_of_op(graph, id, "Softplus", 2);
    if (greater == NodeId::none || softplus == NodeId::none) return Rewrite::no_match();
    const ValueId x = graph.input(softplus, 0);
    const auto threshold = scalar(graph, graph.input(greater, 1));
    if (graph.input(id, 1) != x || graph.input(greater, 0) != x || !threshold) return Rewrite::no_match();
    if (*threshold < kLeastThreshold) return Rewrite::declined("its threshold is so low that it makes a step");
    if (!same_known_dims(graph, x, graph.output(id))) return Rewrite::declined("its threshold may change the shape");
    absorb(graph, id, greater);
    absorb(graph, id, softplus);
    become(graph, id, {"Softplus", {x}});
    return Rewrite::done();
}

Rewrite from_logarithm(Graph& graph, NodeId id) {
    const NodeId sum = producer_of_op(graph, id, "Add");
    if (sum == NodeId::none) return Rewrite::no_match();
    for (const size_t k : {size_t{0}, size_t{1}}) {
        const NodeId exponential = producer_of_op(graph, sum, "Exp", k);
        if (exponential == NodeId::none || scalar(graph, graph.input(sum, 1 - k)) != 1.0F) continue;
        const ValueId x = graph.input(exponential, 0);
        if (!same_known_dims(graph, x, graph.output(id)))
            return Rewrite::declined("the one that is added may change the shape");
        absorb(graph, id, exponential);
        absorb(graph, id, sum);
        become(graph, id, {"Softplus", {x}});
        return Rewrite::done();
    }
    return Rewrite::no_match();
}

}  // namespace

Rewrite softplus_from_parts(Graph& graph, NodeId id) {
    if (is_op(graph, id, "Where")) return without_threshold(graph, id);
    if (is_op(graph, id, "Log")) return from_logarithm(graph, id);
    return Rewrite::no_match();
}

}  // namespace calotype::optimize
