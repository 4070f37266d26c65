// MatMul(x [n, ..., in], W [in, out])                                     => T'(Conv(T(x), W^T))
// Reshape(Gemm(Reshape(x, [n * ..., in]), W, b), [n, ..., out])           => T'(Conv(T(x), W, b))
// T brings the last axis to the channels' place, T' takes it back. Exact in real numbers. A linear layer over the last
// of three or more axes is a convolution of one pixel: as such it takes the bias and the scale behind it, and the
// Transposes move on until they meet, or are the layout of an input or output. Needs plain_gemm.

#include <algorithm>

#include "graph/macs.hpp"
#include "optimize/affine.hpp"
#include "optimize/transpose_words.hpp"

namespace calotype::optimize {
namespace {

std::vector<int64_t> last_to_second(size_t rank) {
    std::vector<int64_t> perm{0, static_cast<int64_t>(rank) - 1};
    for (size_t axis = 1; axis + 1 < rank; ++axis) perm.push_back(static_cast<int64_t>(axis));
    return perm;
}

std::vector<int64_t> second_to_last(size_t rank) {
    std::vector<int64_t> perm{0};
    for (size_t axis = 2; axis < rank; ++axis) perm.push_back(static_cast<int64_t>(axis));
    perm.push_back(1);
    return perm;
}

Dims permuted(const Dims& dims, const std::vector<int64_t>& perm) {
    Dims result;
    for (const int64_t axis : perm) result.push_back(dims[static_cast<size_t>(axis)]);
    return result;
}

/// Why the values have no batch, or not the axes; empty where they are fine.
std::string hindrance(const Graph& graph, const std::optional<Dims>& dims) {
    if (!dims || dims->size() < 3 || dims->size() > 5) return "the input has not three to five axes";
    const auto batch = graph::batch_of(graph);
    if (batch && *batch != dims->front()) return "its first axis is not the batch";
    return "";
}

/// Makes `id` the last Transpose. Weights are [out, in], the bias may be none.
void become_conv(Graph& graph, NodeId id, ValueId x, ValueId weights, ValueId bias) {
    const Dims from = *known_dims(graph, x), to = *known_dims(graph, graph.output(id));
    const auto there = last_to_second(from.size());
    const ValueId turned =
        insert(graph, id, {"Transpose", {x}, {{"perm", there}}}, DataType::float32, permuted(from, there));
    NewOp conv{"Conv", {turned, weights}, {{"kernel_shape", std::vector<int64_t>(from.size() - 2, 1)}}};
    if (bias != ValueId::none) conv.inputs.push_back(bias);
    const ValueId made = insert(graph, id, std::move(conv), DataType::float32, permuted(to, there));
    become(graph, id, {"Transpose", {made}, {{"perm", second_to_last(from.size())}}});
}

/// [out, in, 1...] of weights [out, in] or, `turned`, [in, out].
ValueId pixel_weights(Graph& graph, ValueId matrix, bool turned, size_t rank) {
    const std::vector<float> given = *floats(graph, matrix);
    const Dims dims = graph.value(matrix).constant->dims();
    const int64_t out = dims[turned ? 1 : 0], in = dims[turned ? 0 : 1];
    std::vector<double> weights(given.begin(), given.end());
    for (int64_t o = 0; turned && o < out; ++o)
        for (int64_t i = 0; i < in; ++i)
            weights[static_cast<size_t>(o * in + i)] = given[static_cast<size_t>(i * out + o)];
    Dims pixel(rank, 1);
    pixel[0] = out;
    pixel[1] = in;
    return add_floats(graph, graph.value(matrix).name, pixel, weights);
}

Rewrite from_matmul(Graph& graph, NodeId id) {
    const ValueId x = graph.input(id, 0), matrix = graph.input(id, 1);
    const auto dims = known_dims(graph, x);
    if (dims && dims->size() < 3) return Rewrite::no_match();  // matmul_to_gemm's
    if (graph.is_constant(x) || !is_float32(graph, x) || !floats(graph, matrix) ||
        graph.value(matrix).constant->dims().size() != 2)
        return Rewrite::declined("the second factor is no constant matrix");
    if (std::string why = hindrance(graph, dims); !why.empty()) return Rewrite::declined(std::move(why));
    const ValueId weights = pixel_weights(graph, matrix, true, dims->size());
    if (const auto sum = bias_behind(graph, id)) {
        absorb(graph, sum->first, id);
        become_conv(graph, sum->first, x, weights, sum->second);
    } else {
        become_conv(graph, id, x, weights, ValueId::none);
    }
    return Rewrite::done();
}

Rewrite from_reshapes(Graph& graph, NodeId id) {
    const NodeId gemm = producer_of_op(graph, id, "Gemm");
    if (gemm == NodeId::none || !is_plain_gemm(graph, gemm)) return Rewrite::no_match();
    const NodeId before = graph.producer(graph.input(gemm, 0));
    if (!is_op(graph, before, "Reshape") && !is_op(graph, before, "Flatten")) return Rewrite::no_match();
    const ValueId x = graph.input(before, 0), matrix = graph.input(gemm, 1), bias = graph.input(gemm, 2);
    const auto dims = known_dims(graph, x), made = known_dims(graph, graph.output(id));
    if (!dims || !made || dims->size() < 3 || made->size() != dims->size()) return Rewrite::no_match();
    const auto rows = known_dims(graph, graph.input(gemm, 0));
    if (!rows || rows->back() != dims->back() || !std::equal(dims->begin(), dims->end() - 1, made->begin()))
        return Rewrite::no_match();
    if (!floats(graph, matrix) || (bias != ValueId::none && !floats(graph, bias)) ||
        made->back() != known_dims(graph, matrix)->front())
        return Rewrite::declined("the weights or the bias are computed at run time");
    if (!read_once(graph, graph.input(id, 0))) return Rewrite::declined("another reader needs the rows");
    if (std::string why = hindrance(graph, dims); !why.empty()) return Rewrite::declined(std::move(why));
    absorb(graph, id, gemm);
    become_conv(graph, id, x, pixel_weights(graph, matrix, false, dims->size()), bias);
    return Rewrite::done();
}

}  // namespace

Rewrite linear_to_conv(Graph& graph, NodeId id) {
    if (is_op(graph, id, "MatMul")) return from_matmul(graph, id);
    if (is_op(graph, id, "Reshape")) return from_reshapes(graph, id);
    return Rewrite::no_match();
}

}  // namespace calotype::optimize
