// Add(x [n, c, h, w], y [n, c, 1, 1]) => Add(x, Resize(y, nearest))
// Add(x [n, c, h, w], y [n, 1, h, w]) => Add(x, Gather(y, [0, 0, ...], axis 1))
// Mul(x [n, c, h, w], y [n, c, h, 1]) => Mul(x, Resize(y, nearest))
// likewise where rows or columns alone repeat, and where both maps repeat. Exact: elements are copied. The NPU adds and
// multiplies maps of one shape, and repeats pixels and channels. A product with one factor a channel is left as it is:
// it is no layer of the NPU, whatever it is called.

#include <algorithm>

#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {
namespace {

bool of_one_pixel(const Dims& dims) {
    return std::all_of(dims.begin() + 2, dims.end(), [](int64_t size) { return size == 1; });
}

/// Whether the NPU has this broadcast as moves.
bool repeats(const Graph& graph, NodeId id, const Dims& dims, const Dims& whole) {
    if (dims.size() < 3) return false;
    Dims channels = dims;
    if (is_op(graph, id, "Add") && dims[1] == 1) channels[1] = whole[1];
    if (is_op(graph, id, "Mul") && of_one_pixel(dims) && !of_one_pixel(whole) && dims[1] > 1) return false;
    if (is_op(graph, id, "Mul") && dims[1] == 1) channels[1] = whole[1];  // a factor a pixel is a layer
    return repeats_pixels(channels, whole);
}

ValueId with_pixels(Graph& graph, NodeId before, ValueId y, const Dims& dims, const Dims& whole) {
    Dims to = whole;
    to[1] = dims[1];
    if (dims == to) return y;
    std::vector<double> factors(whole.size(), 1);
    for (size_t i = 2; i < whole.size(); ++i) factors[i] = static_cast<double>(whole[i] / dims[i]);
    return insert(graph, before, repeated(graph, before, y, factors), DataType::float32, to);
}

ValueId with_channels(Graph& graph, NodeId before, ValueId y, const Dims& dims, const Dims& whole) {
    if (dims[1] == whole[1] || is_op(graph, before, "Mul")) return y;
    const std::vector<int64_t> first(static_cast<size_t>(whole[1]), 0);
    const ValueId list = add_integers(graph, graph.node(before).name + "/channels", first);
    return insert(graph, before, {"Gather", {y, list}, {{"axis", int64_t{1}}}}, DataType::float32, whole);
}

}  // namespace

Rewrite broadcast_to_resize(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Add") && !is_op(graph, id, "Mul")) return Rewrite::no_match();
    const ValueId a = graph.input(id, 0), b = graph.input(id, 1);
    const auto of_a = known_dims(graph, a), of_b = known_dims(graph, b), whole = known_dims(graph, graph.output(id));
    if (graph.is_constant(a) || graph.is_constant(b) || !of_a || !of_b || !whole || of_a == of_b ||
        !is_float32(graph, a))
        return Rewrite::no_match();
    if (!repeats(graph, id, *of_a, *whole) || !repeats(graph, id, *of_b, *whole))
        return Rewrite::declined("more than pixels, or the channels of a product, would be repeated");
    std::vector<ValueId> inputs;
    for (const auto& [value, dims] : {std::pair(a, *of_a), std::pair(b, *of_b)})
        inputs.push_back(with_channels(graph, id, with_pixels(graph, id, value, dims, *whole), dims, *whole));
    if (inputs == std::vector{a, b}) return Rewrite::no_match();  // a factor a pixel
    become(graph, id, {graph.node(id).op, inputs});
    return Rewrite::done();
}

}  // namespace calotype::optimize
