// f(Transpose(x, p))               => Transpose(f(x), p)         f works element by element
// f(Transpose(x, p), c)            => Transpose(f(x, c'), p)     c a constant, c' = c with its axes put back
// f(Transpose(x, p), Transpose(y, p)) => Transpose(f(x, y), p)   likewise Concat, of any number, along axis p[axis]
// Exact: the same elements meet. A Transpose only ever moves towards the outputs, so this ends.

#include <algorithm>
#include <array>
#include <cstring>

#include "optimize/rewrite.hpp"
#include "optimize/transpose_words.hpp"

namespace calotype::optimize {
namespace {

constexpr std::array kUnary{"Relu", "Clip", "LeakyRelu", "Sigmoid", "HardSigmoid", "HardSwish",
                            "Tanh", "Elu",  "Gelu",      "Mish",    "Softplus",    "Erf",
                            "Exp",  "Sqrt", "Neg",       "Abs",     "Cast",        "Identity"};
constexpr std::array kBinary{"Add", "Sub", "Mul", "Div"};

bool among(const auto& ops, const Graph& graph, NodeId id) {
    return std::ranges::any_of(ops, [&](const char* op) { return is_op(graph, id, op); });
}

template <class T>
Dims put(const std::vector<T>& values, const std::vector<int64_t>& perm) {  // result[perm[i]] = values[i]
    Dims result(values.size());
    for (size_t i = 0; i < perm.size(); ++i) result[static_cast<size_t>(perm[i])] = values[i];
    return result;
}

/// The constant that meets x where `constant` met Transpose(x, perm): rank filled up with ones, axes put back.
Tensor put_back(const Tensor& constant, const std::vector<int64_t>& perm) {
    Dims dims(perm.size(), 1);
    std::ranges::copy_backward(constant.dims(), dims.end());
    const Dims target = put(dims, perm);
    Dims strides_target(perm.size(), 1);
    for (size_t axis = perm.size(); axis-- > 1;) strides_target[axis - 1] = strides_target[axis] * target[axis];
    Tensor result(constant.type(), target);
    const auto size = static_cast<size_t>(bytes_of(constant.type()));
    Dims index(perm.size(), 0);
    for (int64_t i = 0; i < constant.elements(); ++i) {
        int64_t to = 0;
        for (size_t axis = 0; axis < perm.size(); ++axis)
            to += index[axis] * strides_target[static_cast<size_t>(perm[axis])];
        std::memcpy(&result.bytes()[static_cast<size_t>(to) * size], &constant.bytes()[static_cast<size_t>(i) * size],
                    size);
        for (size_t axis = perm.size(); axis-- > 0 && ++index[axis] == dims[axis];) index[axis] = 0;
    }
    return result;
}

/// The common perm of the inputs that are Transposes nobody else reads; the others must be constants. Empty: no such.
std::vector<int64_t> common_perm(const Graph& graph, NodeId id, size_t inputs) {
    std::vector<int64_t> common;
    for (size_t index = 0; index < inputs; ++index) {
        const ValueId input = graph.input(id, index);
        if (graph.is_constant(input)) continue;
        const NodeId transpose = producer_of_op(graph, id, "Transpose", index);
        if (transpose == NodeId::none || !read_once(graph, input)) return {};
        const std::vector<int64_t> perm = perm_of(graph, transpose);
        if (!common.empty() && common != perm) return {};
        common = perm;
    }
    return common;
}

}  // namespace

Rewrite sink_transpose(Graph& graph, NodeId id) {
    const bool unary = among(kUnary, graph, id), binary = among(kBinary, graph, id),
               concat = is_op(graph, id, "Concat");
    if (!unary && !binary && !concat) return Rewrite::no_match();
    const size_t moved = unary ? 1 : graph.node(id).inputs.size();
    const std::vector<int64_t> perm = common_perm(graph, id, moved);
    const auto dims = known_dims(graph, graph.output(id));
    if (perm.empty() || !dims || dims->size() != perm.size()) return Rewrite::no_match();
    for (size_t index = 0; index < moved; ++index) {
        const auto& constant = graph.value(graph.input(id, index)).constant;
        if (constant && (constant->dims().size() > perm.size() || bytes_of(constant->type()) == 0))
            return Rewrite::declined("a constant has more dims than the value");
    }

    // f moves in front: a new node makes f of the untransposed inputs, this one becomes the Transpose.
    NewOp f{graph.node(id).op, graph.node(id).inputs, graph.node(id).attributes};
    for (size_t index = 0; index < moved; ++index) {
        const ValueId input = f.inputs[index];
        if (graph.is_constant(input))
            f.inputs[index] = graph.add_constant(graph.unused_value_name(graph.value(input).name),
                                                 put_back(*graph.value(input).constant, perm));
        else
            f.inputs[index] = graph.input(graph.producer(input), 0);
    }
    if (concat) {
        const int64_t axis = own_axis(graph::int_attribute(graph.node(id), "axis", 0), perm.size());
        f.attributes["axis"] = perm[static_cast<size_t>(axis)];
    }
    const ValueId y = insert(graph, id, std::move(f), graph.value(graph.output(id)).type, put(*dims, perm));
    become(graph, id, {"Transpose", {y}, {{"perm", perm}}});
    return Rewrite::done();
}

}  // namespace calotype::optimize
