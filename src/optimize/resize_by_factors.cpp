// Resize(x, sizes = k * dims(x)) => Resize(x, scales = k)      k whole numbers
// Exact: the operator computes the scales from the sizes. Sizes computed from a shape hold at one size only, factors at
// every size.

#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {

Rewrite resize_by_factors(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Resize") || !has_input(graph, id, 3)) return Rewrite::no_match();
    Node node = graph.node(id);
    const ValueId x = graph.input(id, 0);
    const auto dims = known_dims(graph, x);
    const auto sizes = integers(graph, graph.input(id, 3));
    if (!dims || !sizes) return Rewrite::declined("its sizes are computed at run time");
    if (graph::string_attribute(node, "keep_aspect_ratio_policy", "stretch") != "stretch")
        return Rewrite::declined("its sizes are bounds");
    if (graph::string_attribute(node, "coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize")
        return Rewrite::declined("it reads a region");
    std::vector<int64_t> axes = graph::ints_attribute(node, "axes");
    for (size_t axis = 0; axes.size() < sizes->size() && !node.attributes.contains("axes"); ++axis)
        axes.push_back(static_cast<int64_t>(axis));
    if (axes.size() != sizes->size()) return Rewrite::declined("its sizes do not match its axes");
    std::vector<double> factors;
    for (size_t i = 0; i < axes.size(); ++i) {
        const int64_t from = (*dims)[static_cast<size_t>(own_axis(axes[i], dims->size()))];
        if ((*sizes)[i] % from != 0) return Rewrite::declined("a factor is no whole number");
        factors.push_back(static_cast<double>((*sizes)[i] / from));
    }
    const ValueId scales = add_floats(graph, node.name + "/factors", {std::ssize(factors)}, factors);
    become(graph, id, {"Resize", {x, ValueId::none, scales}, std::move(node.attributes)});
    return Rewrite::done();
}

}  // namespace calotype::optimize
