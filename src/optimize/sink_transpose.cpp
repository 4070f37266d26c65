// f(Transpose(x, p))                  => Transpose(f(x), p)         f works element by element
// f(Transpose(x, p), c)               => Transpose(f(x, c'), p)     c a constant, c' = c with its axes put back
// f(Transpose(x, p), y)               => Transpose(f(x, y'), p)     y' = y reshaped, where only axes of size 1 move
// f(Transpose(x, p), Transpose(y, p)) => Transpose(f(x, y), p)      likewise Concat, of any number, along axis p[axis]
// Exact: the same elements meet. A Transpose only ever moves towards the outputs, so this ends. One of an input stays:
// it is that input's layout (lift_transpose).

#include <algorithm>

#include "optimize/reshape_words.hpp"
#include "optimize/rewrite.hpp"
#include "optimize/transpose_words.hpp"

namespace calotype::optimize {
namespace {

using Perm = std::vector<int64_t>;

Dims put(const Dims& dims, const Perm& perm) {
    Dims result;
    for (const int64_t axis : perm) result.push_back(dims[static_cast<size_t>(axis)]);
    return result;
}

/// A Transpose all of whose readers it may pass, so that it need not stay for one of them.
bool may_sink(const Graph& graph, NodeId transpose) {
    const ValueId x = graph.input(transpose, 0), y = graph.output(transpose);
    if (is_input(graph, x) || graph.is_output(y)) return false;
    return std::ranges::all_of(graph.readers(y), [&](NodeId reader) {
        return is_elementwise_of_one(graph, reader) || is_elementwise_of_two(graph, reader) ||
               is_op(graph, reader, "Concat") || is_op(graph, reader, "ReduceMean") ||
               is_op(graph, reader, "ReduceMax");
    });
}

/// The perm of the inputs that are Transposes, where all have the same. Empty: none is, or one may not sink.
Perm common_perm(const Graph& graph, NodeId id, size_t inputs) {
    Perm common;
    for (size_t index = 0; index < inputs; ++index) {
        const NodeId transpose = producer_of_op(graph, id, "Transpose", index);
        if (transpose == NodeId::none) continue;
        const Perm perm = perm_of(graph, transpose);
        if (!may_sink(graph, transpose) || (!common.empty() && common != perm)) return {};
        common = perm;
    }
    return common;
}

/// Whether a value with these dims keeps the order of its elements when its axes are put back.
bool moves_only_ones(const Dims& dims, const Perm& back) {
    int64_t last_long_axis = -1;
    for (const int64_t axis : back) {
        if (dims[static_cast<size_t>(axis)] == 1) continue;
        if (axis < last_long_axis) return false;
        last_long_axis = axis;
    }
    return true;
}

/// Whether the input can be given with its axes put back.
bool can_put_back(const Graph& graph, NodeId id, size_t index, const Perm& perm) {
    const ValueId input = graph.input(id, index);
    if (const auto& constant = graph.value(input).constant)
        return constant->dims().size() <= perm.size() && bytes_of(constant->type()) > 0;
    if (producer_of_op(graph, id, "Transpose", index) != NodeId::none) return true;
    const auto dims = known_dims(graph, input);
    return dims && dims->size() == perm.size() && moves_only_ones(*dims, undone(perm));
}

ValueId put_back(Graph& graph, NodeId id, size_t index, const Perm& perm) {
    const ValueId input = graph.input(id, index);
    if (const auto& constant = graph.value(input).constant)
        return graph.add_constant(graph.unused_value_name(graph.value(input).name), permuted(*constant, undone(perm)));
    if (const NodeId transpose = producer_of_op(graph, id, "Transpose", index); transpose != NodeId::none)
        return graph.input(transpose, 0);
    const Dims dims = put(*known_dims(graph, input), undone(perm));
    Dims shape = dims;
    shape.front() = 0;  // the batch as the input has it
    const ValueId target = add_integers(graph, graph.node(id).name + "/shape", shape);
    return insert(graph, id, {"Reshape", {input, target}}, graph.value(input).type, dims);
}

}  // namespace

Rewrite sink_transpose(Graph& graph, NodeId id) {
    const bool unary = is_elementwise_of_one(graph, id), concat = is_op(graph, id, "Concat");
    if (!unary && !is_elementwise_of_two(graph, id) && !concat) return Rewrite::no_match();
    const size_t moved = unary ? 1 : graph.node(id).inputs.size();
    const Perm perm = common_perm(graph, id, moved);
    const auto dims = known_dims(graph, graph.output(id));
    if (perm.empty() || perm.front() != 0 || !dims || dims->size() != perm.size()) return Rewrite::no_match();
    for (size_t index = 0; index < moved; ++index)
        if (!can_put_back(graph, id, index, perm))
            return Rewrite::declined("another input is not transposed in this way");

    // f moves in front: a new node makes f of the untransposed inputs, this one becomes the Transpose.
    NewOp f{graph.node(id).op, graph.node(id).inputs, graph.node(id).attributes};
    for (size_t index = 0; index < moved; ++index) f.inputs[index] = put_back(graph, id, index, perm);
    if (concat) {
        const int64_t axis = own_axis(graph::int_attribute(graph.node(id), "axis", 0), perm.size());
        f.attributes["axis"] = perm[static_cast<size_t>(axis)];
    }
    const auto type = graph.value(graph.output(id)).type;
    const ValueId y = insert(graph, id, std::move(f), type, put(*dims, undone(perm)));
    become(graph, id, {"Transpose", {y}, {{"perm", perm}}});
    return Rewrite::done();
}

}  // namespace calotype::optimize
