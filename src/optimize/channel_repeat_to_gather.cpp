// Resize(x [n, c, ...], nearest, r times on axis 1) => Gather(x, [0, 0, ..., 1, 1, ...], axis 1)
// Tile(x [n, c, ...], r times on axis 1)            => Gather(x, [0, 1, ..., 0, 1, ...], axis 1)
// Exact: channels are copied. The first is what repeat_to_resize makes of a repeat over the channels, whose axis is only
// known when the Transposes have sunk. Networks of super resolution add their input to their output so.

#include <algorithm>

#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {
namespace {

/// How often axis 1 alone is repeated; nothing where another axis is too, or none.
std::optional<int64_t> times_of(const std::vector<double>& factors) {
    for (size_t axis = 0; axis < factors.size(); ++axis)
        if (axis != 1 && factors[axis] != 1) return {};
    if (factors.size() < 2 || factors[1] < 2) return {};
    return static_cast<int64_t>(factors[1]);
}

std::vector<double> factors_of(const Graph& graph, NodeId id) {
    if (is_op(graph, id, "Tile")) {
        const auto repeats = integers(graph, graph.input(id, 1));
        return repeats ? std::vector<double>(repeats->begin(), repeats->end()) : std::vector<double>{};
    }
    if (!has_input(graph, id, 2) || graph.node(id).attributes.contains("axes")) return {};
    const auto scales = floats(graph, graph.input(id, 2));
    return scales ? std::vector<double>(scales->begin(), scales->end()) : std::vector<double>{};
}

/// As repeat_to_resize writes it.
bool repeats_each(const Node& node) {
    return graph::string_attribute(node, "mode", "nearest") == "nearest" &&
           graph::string_attribute(node, "coordinate_transformation_mode", "half_pixel") == "asymmetric" &&
           graph::string_attribute(node, "nearest_mode", "round_prefer_floor") == "floor";
}

}  // namespace

Rewrite channel_repeat_to_gather(Graph& graph, NodeId id) {
    const bool whole = is_op(graph, id, "Tile");
    if (!whole && !is_op(graph, id, "Resize")) return Rewrite::no_match();
    const ValueId x = graph.input(id, 0);
    const auto dims = known_dims(graph, x), made = known_dims(graph, graph.output(id));
    if (!dims || !made || graph.is_constant(x)) return Rewrite::no_match();
    const auto times = times_of(factors_of(graph, id));
    if (!times || (*made)[1] != (*dims)[1] * *times)
        return whole ? Rewrite::declined("it repeats more than channels") : Rewrite::no_match();
    if (!whole && !repeats_each(graph.node(id))) return Rewrite::declined("it does not repeat channel by channel");
    std::vector<int64_t> source;
    for (int64_t c = 0; c < (*made)[1]; ++c) source.push_back(whole ? c % (*dims)[1] : c / *times);
    const ValueId list = add_integers(graph, graph.node(id).name + "/channels", source);
    become(graph, id, {"Gather", {x, list}, {{"axis", int64_t{1}}}});
    return Rewrite::done();
}

}  // namespace calotype::optimize
