// Sum(a, b, c, ...) => Add(Add(a, b), c) ...
// Exact where the sum is taken from the left, as ONNX Runtime does.

#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {

Rewrite sum_to_add(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Sum") || graph.node(id).inputs.size() < 2) return Rewrite::no_match();
    const std::vector<ValueId> summands = graph.node(id).inputs;
    const auto dims = known_dims(graph, graph.output(id));
    for (const ValueId summand : summands)
        if (!dims || known_dims(graph, summand) != dims) return Rewrite::declined("its maps differ in shape");
    const auto type = graph.value(graph.output(id)).type;
    ValueId sum = summands[0];
    for (size_t i = 1; i + 1 < summands.size(); ++i) sum = insert(graph, id, {"Add", {sum, summands[i]}}, type, *dims);
    become(graph, id, {"Add", {sum, summands.back()}});
    return Rewrite::done();
}

}  // namespace calotype::optimize
