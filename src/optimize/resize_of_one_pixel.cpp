// Resize(x [n, c, 1, 1], linear or cubic), Expand(x), Tile(x) => Resize(x, nearest)
// Exact in real numbers: all weights fall on the one pixel and sum to 1. It is how segmentation heads spread a pooled
// map, and `expand_as` a gate.

#include <algorithm>

#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {

Rewrite resize_of_one_pixel(Graph& graph, NodeId id) {
    const bool repeats = is_op(graph, id, "Expand") || is_op(graph, id, "Tile");
    if (!repeats && !is_op(graph, id, "Resize")) return Rewrite::no_match();
    const Node& node = graph.node(id);
    const ValueId x = graph.input(id, 0);
    if (!repeats && graph::string_attribute(node, "mode", "nearest") == "nearest") return Rewrite::no_match();
    const auto dims = known_dims(graph, x), made = known_dims(graph, graph.output(id));
    if (!dims || !made || dims->size() < 3 || !is_float32(graph, x) || graph.is_constant(x)) return Rewrite::no_match();
    if (dims->size() != made->size() || (repeats && dims->size() > 4)) return Rewrite::no_match();
    const auto one = [](int64_t size) { return size == 1; };
    if (!std::all_of(dims->begin() + 2, dims->end(), one) || (*dims)[0] != (*made)[0] || (*dims)[1] != (*made)[1])
        return repeats ? Rewrite::no_match() : Rewrite::declined("it mixes pixels");
    if (graph::string_attribute(node, "coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize")
        return Rewrite::declined("it may read outside the map");
    if (graph::int_attribute(node, "exclude_outside", 0) != 0) return Rewrite::declined("it may read outside the map");
    std::vector<double> factors(made->begin(), made->end());
    factors[0] = factors[1] = 1;
    become(graph, id, repeated(graph, id, x, factors));
    return Rewrite::done();
}

}  // namespace calotype::optimize
