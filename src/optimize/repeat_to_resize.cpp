// Tile(x [..., h, 1, w, ...], r on the axis of 1), Expand likewise => Reshape(Resize(Reshape(x [..., h, w, ...])))
// Exact: each element is repeated r times, which is nearest upsampling of the axis before. It is how Keras'
// UpSampling2D and numpy's repeat come out; the Reshapes then meet the exporter's own.

#include "optimize/reshape_words.hpp"
#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {
namespace {

bool only_reshapes_read(const Graph& graph, ValueId value) {
    if (graph.is_output(value)) return false;
    for (const NodeId reader : graph.readers(value)) {
        const bool turns = is_op(graph, reader, "Transpose");
        if (turns && !only_reshapes_read(graph, graph.output(reader))) return false;
        if (!turns && !is_op(graph, reader, "Reshape") && !is_op(graph, reader, "Flatten")) return false;
    }
    return true;
}

/// The dims without the repeated axes, and how often each of them is repeated.
struct Repeat {
    Dims dims, factors;
};
std::optional<Repeat> repeat_of(const Dims& from, const Dims& to) {
    if (from.size() != to.size()) return {};
    Repeat repeat;
    bool after_repeated = false;
    for (size_t axis = 0; axis < from.size(); ++axis) {
        const bool repeated = from[axis] != to[axis];
        if (repeated && (from[axis] != 1 || axis < 2 || after_repeated)) return {};
        if (repeated) {
            repeat.factors.back() = to[axis];
        } else {
            repeat.dims.push_back(from[axis]);
            repeat.factors.push_back(1);
        }
        after_repeated = repeated;
    }
    return repeat.dims.size() < from.size() ? std::optional(repeat) : std::nullopt;
}

}  // namespace

Rewrite repeat_to_resize(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Tile") && !is_op(graph, id, "Expand")) return Rewrite::no_match();
    const ValueId x = graph.input(id, 0);
    const auto from = known_dims(graph, x), to = known_dims(graph, graph.output(id));
    if (!from || !to || !is_float32(graph, x) || graph.is_constant(x)) return Rewrite::no_match();
    const auto repeat = repeat_of(*from, *to);
    if (!repeat) return Rewrite::declined("it repeats more than single elements");
    if (!only_reshapes_read(graph, graph.output(id))) return Rewrite::declined("its axes are not joined behind it");
    const std::string base = graph.node(id).name;
    Dims target = repeat->dims;
    target.front() = 0;  // the batch as x has it
    const ValueId shape = add_integers(graph, base + "/shape", target);
    const ValueId joined = insert(graph, id, {"Reshape", {x, shape}}, DataType::float32, repeat->dims);
    Dims resized = repeat->dims;
    for (size_t axis = 0; axis < resized.size(); ++axis) resized[axis] *= repeat->factors[axis];
    const std::vector<double> factors(repeat->factors.begin(), repeat->factors.end());
    const ValueId larger = insert(graph, id, repeated(graph, id, joined, factors), DataType::float32, resized);
    become_reshape(graph, id, larger);
    return Rewrite::done();
}

}  // namespace calotype::optimize
