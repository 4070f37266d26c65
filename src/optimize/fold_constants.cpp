// node(constants) => constants
// Exact: the value is what `evaluate` (ONNX Runtime) computes for the node alone. Shape and Size of a value with known
// dims and the Constant operator need no arithmetic.

#include <algorithm>

#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {
namespace {

constexpr int64_t kLargestBytes = int64_t{1} << 28;  // a constant that only a hostile or careless model asks for

void replace_with_constants(Graph& graph, NodeId id, std::vector<Tensor> results) {
    const std::vector<ValueId> outputs = graph.node(id).outputs;
    for (size_t i = 0; i < outputs.size(); ++i) {
        if (outputs[i] == ValueId::none || graph.uses(outputs[i]) == 0) continue;
        const std::string name = graph.unused_value_name(graph.value(outputs[i]).name);
        graph.replace_uses(outputs[i], graph.add_constant(name, std::move(results[i])));
    }
    graph.remove_node(id);
}

Rewrite fold_shape(Graph& graph, NodeId id) {
    const auto dims = known_dims(graph, graph.input(id, 0));
    if (!dims) return Rewrite::declined("the dims are known only at run time");
    const auto rank = static_cast<int64_t>(dims->size());
    const Node& node = graph.node(id);
    const auto bound = [&](int64_t axis) { return std::clamp<int64_t>(own_axis(axis, dims->size()), 0, rank); };
    const int64_t first = bound(graph::int_attribute(node, "start", 0));
    const int64_t last = std::max(first, bound(graph::int_attribute(node, "end", rank)));
    const Dims shape(dims->begin() + first, dims->begin() + last);
    std::vector<Tensor> result;
    result.push_back(Tensor::of<int64_t>({last - first}, std::span<const int64_t>(shape)));
    replace_with_constants(graph, id, std::move(result));
    return Rewrite::done();
}

}  // namespace

Rewrite fold_constants(Graph& graph, NodeId id, const Evaluate& evaluate) {
    const Node& node = graph.node(id);
    for (const ValueId output : node.outputs)
        if (output != ValueId::none && graph.is_output(output))
            return Rewrite::no_match();  // a result is made by a node
    if (is_op(graph, id, "Shape")) return fold_shape(graph, id);
    if (is_op(graph, id, "Constant") && node.attributes.contains("value")) {
        std::vector<Tensor> result{std::get<Tensor>(node.attributes.at("value"))};
        replace_with_constants(graph, id, std::move(result));
        return Rewrite::done();
    }
    const auto constant = [&](ValueId value) { return value == ValueId::none || graph.is_constant(value); };
    if (!std::ranges::all_of(node.inputs, constant) || (node.inputs.empty() && node.op != "Constant"))
        return Rewrite::no_match();
    if (!evaluate) return Rewrite::declined("nothing here evaluates it");
    if (!node.domain.empty()) return Rewrite::declined("its operator is not of ai.onnx");
    if (graph::is_random(node)) return Rewrite::declined("its result is random");
    if (graph::has_subgraph(node)) return Rewrite::declined("it holds a subgraph");
    for (const ValueId output : node.outputs) {
        if (output != ValueId::none && graph.value(output).other) return Rewrite::declined("its result is no tensor");
        const auto dims = output == ValueId::none ? std::nullopt : graph::concrete_dims(graph, output);
        if (dims && element_count(*dims) > kLargestBytes / 8)
            return Rewrite::declined("its result would exceed 256 MiB");
    }
    std::vector<Tensor> results = evaluate(graph, id);
    CALOTYPE_ASSERT(results.size() >= node.outputs.size(), "an evaluated node has all its outputs");
    replace_with_constants(graph, id, std::move(results));
    return Rewrite::done();
}

}  // namespace calotype::optimize
