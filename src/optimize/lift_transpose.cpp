// Transpose(f(g(x, c), d), p) => f'(g'(Transpose(x, p), c'), d')   x an input or its layout; c, d constants
// Exact: the same elements meet. A Transpose of an input is the layout in which the input is given and costs nothing,
// while constants meet the channels where convolutions have them. It is how networks begin that scale channels-last
// images themselves. sink_transpose leaves alone what stands at an input, so neither undoes the other.

#include <algorithm>

#include "graph/linear_quantization.hpp"
#include "optimize/rewrite.hpp"
#include "optimize/transpose_words.hpp"

namespace calotype::optimize {
namespace {

/// The input of an element-wise node that is no constant, if there is exactly one.
ValueId computed_input(const Graph& graph, NodeId id) {
    ValueId computed = ValueId::none;
    const size_t count = is_elementwise_of_one(graph, id) ? 1 : graph.node(id).inputs.size();
    for (size_t i = 0; i < count; ++i) {
        if (graph.is_constant(graph.input(id, i))) continue;
        if (computed != ValueId::none) return ValueId::none;
        computed = graph.input(id, i);
    }
    return computed;
}

bool is_input_layout(const Graph& graph, ValueId value) {
    const NodeId id = graph.producer(value);
    return is_op(graph, id, "Transpose") && is_input(graph, graph.input(id, 0));
}

/// Element-wise nodes from the input to `value`, in order; empty where there are none or something else is between.
std::vector<NodeId> chain_from_input(const Graph& graph, ValueId value) {
    std::vector<NodeId> chain;
    const auto dims = known_dims(graph, value);
    while (!is_input(graph, value) && !is_input_layout(graph, value)) {
        const NodeId id = graph.producer(value);
        if (graph::linear_quantization(graph, id)) return {};  // no layer: the layout behind it costs nothing either
        if (!is_elementwise_of_one(graph, id) && !is_elementwise_of_two(graph, id)) return {};
        if (!read_once(graph, value)) return {};
        chain.push_back(id);
        value = computed_input(graph, id);
        if (value == ValueId::none || known_dims(graph, value) != dims) return {};
    }
    std::ranges::reverse(chain);
    return chain;
}

}  // namespace

Rewrite lift_transpose(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Transpose")) return Rewrite::no_match();
    const std::vector<NodeId> chain = chain_from_input(graph, graph.input(id, 0));
    const auto dims = known_dims(graph, graph.output(id));
    if (chain.empty() || !dims) return Rewrite::no_match();
    const std::vector<int64_t> perm = perm_of(graph, id);
    ValueId x = computed_input(graph, chain.front());
    x = insert(graph, id, {"Transpose", {x}, {{"perm", perm}}}, graph.value(x).type, *dims);
    for (const NodeId f : chain) {
        const ValueId before = computed_input(graph, f);
        NewOp moved{graph.node(f).op, graph.node(f).inputs, graph.node(f).attributes};
        for (ValueId& input : moved.inputs) {
            if (input == before)
                input = x;
            else if (is_elementwise_of_two(graph, f))
                input = graph.add_constant(graph.unused_value_name(graph.value(input).name),
                                           permuted(*graph.value(input).constant, perm));
        }
        const auto type = graph.value(graph.output(f)).type;
        absorb(graph, id, f);
        if (f == chain.back())
            become(graph, id, std::move(moved));
        else
            x = insert(graph, id, std::move(moved), type, *dims);
    }
    return Rewrite::done();
}

}  // namespace calotype::optimize
