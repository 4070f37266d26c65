// Add(x [n, c, h, w], y [n, c, 1, 1]) => Add(x, Resize(y, nearest))
// likewise where rows or columns alone repeat, and where both maps repeat. Exact: pixels are copied. The NPU adds maps
// of one shape, and repeats pixels; it repeats no channels, so a map of one channel is left as it is.

#include <algorithm>

#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {
namespace {

bool repeats_pixels(const Dims& dims, const Dims& whole) {
    if (dims.size() != whole.size() || dims.size() < 3 || dims.size() > 4) return false;  // as Upsample
    if (dims[0] != whole[0] || dims[1] != whole[1]) return false;
    for (size_t i = 2; i < dims.size(); ++i)
        if (dims[i] != whole[i] && dims[i] != 1) return false;
    return true;
}

ValueId repeated(Graph& graph, NodeId before, ValueId y, const Dims& dims, const Dims& whole) {
    if (dims == whole) return y;
    std::vector<double> factors(whole.size(), 1);
    for (size_t i = 2; i < whole.size(); ++i) factors[i] = static_cast<double>(whole[i] / dims[i]);
    const ValueId scales =
        add_floats(graph, graph.node(before).name + "/factors", {static_cast<int64_t>(factors.size())}, factors);
    return insert(graph, before,
                  {"Resize",
                   {y, ValueId::none, scales},
                   {{"mode", std::string("nearest")},
                    {"coordinate_transformation_mode", std::string("asymmetric")},
                    {"nearest_mode", std::string("floor")}}},
                  DataType::float32, whole);
}

}  // namespace

Rewrite broadcast_add_to_resize(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Add")) return Rewrite::no_match();
    const ValueId a = graph.input(id, 0), b = graph.input(id, 1);
    const auto of_a = known_dims(graph, a), of_b = known_dims(graph, b), whole = known_dims(graph, graph.output(id));
    if (graph.is_constant(a) || graph.is_constant(b) || !of_a || !of_b || !whole || of_a == of_b ||
        !is_float32(graph, a))
        return Rewrite::no_match();
    if (!repeats_pixels(*of_a, *whole) || !repeats_pixels(*of_b, *whole))
        return Rewrite::declined("more than pixels is repeated");
    const ValueId first = repeated(graph, id, a, *of_a, *whole);
    const ValueId second = repeated(graph, id, b, *of_b, *whole);
    become(graph, id, {"Add", {first, second}});
    return Rewrite::done();
}

}  // namespace calotype::optimize
