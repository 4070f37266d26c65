// node(x) => x   where the node returns its first input as it is
// Exact. One predicate an operator.

#include <algorithm>
#include <limits>

#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {
namespace {

using Predicate = bool (*)(const Graph&, NodeId);

bool always(const Graph&, NodeId) { return true; }

bool single_input(const Graph& graph, NodeId id) { return graph.node(id).inputs.size() == 1; }

bool same_dims(const Graph& graph, NodeId id) {
    const auto from = known_dims(graph, graph.input(id, 0));
    return from && from == known_dims(graph, graph.output(id));
}

bool same_type(const Graph& graph, NodeId id) {
    const auto& from = graph.value(graph.input(id, 0)).type;
    return from && from == graph.value(graph.output(id)).type;
}

/// The mask of a Dropout is a result of its own; in training mode it draws.
bool plain_dropout(const Graph& graph, NodeId id) {
    const Node& node = graph.node(id);
    if (node.outputs.size() > 1 && node.outputs[1] != ValueId::none && graph.uses(node.outputs[1]) > 0) return false;
    if (!has_input(graph, id, 2)) return true;
    const ValueId training = node.inputs[2];
    return graph.is_constant(training) && to_doubles(*graph.value(training).constant) == std::vector<double>{0};
}

bool keeps_order(const Graph& graph, NodeId id) {
    const auto perm = graph::ints_attribute(graph.node(id), "perm");
    return !perm.empty() && std::ranges::is_sorted(perm);
}

bool unbounded_clip(const Graph& graph, NodeId id) {
    const auto open = [&](size_t input, float bound) {
        if (!has_input(graph, id, input)) return true;
        const auto given = scalar(graph, graph.input(id, input));
        return given && (bound < 0 ? *given <= bound : *given >= bound);
    };
    const float largest = std::numeric_limits<float>::max();
    return open(1, -largest) && open(2, largest);
}

bool one_pixel_window(const Graph& graph, NodeId id) {
    const Node& node = graph.node(id);
    const auto all = [&](const char* name, int64_t is) {
        return std::ranges::all_of(graph::ints_attribute(node, name), [is](int64_t x) { return x == is; });
    };
    return node.outputs.size() == 1 && all("kernel_shape", 1) && all("strides", 1) && all("pads", 0);
}

/// A pool that leaves padding out, or has none, over a map of one pixel. A dilated window may step over it.
bool one_pixel_map(const Graph& graph, NodeId id) {
    const auto dims = known_dims(graph, graph.input(id, 0));
    if (!dims || dims->size() < 3 || !same_dims(graph, id) || graph.node(id).outputs.size() != 1) return false;
    if (!std::ranges::all_of(dims->begin() + 2, dims->end(), [](int64_t size) { return size == 1; })) return false;
    const Node& node = graph.node(id);
    if (std::ranges::any_of(graph::ints_attribute(node, "dilations"), [](int64_t step) { return step != 1; }))
        return false;
    const bool padded =
        std::ranges::any_of(graph::ints_attribute(node, "pads"), [](int64_t pad) { return pad != 0; }) ||
        graph::string_attribute(node, "auto_pad", "NOTSET") != "NOTSET";
    return !padded || graph::int_attribute(node, "count_include_pad", 0) == 0;
}

bool pool(const Graph& graph, NodeId id) { return one_pixel_window(graph, id) || one_pixel_map(graph, id); }

/// A mean or sum over axes of size 1.
bool single_elements(const Graph& graph, NodeId id) { return same_dims(graph, id); }

bool single_part(const Graph& graph, NodeId id) { return graph.node(id).outputs.size() == 1 && same_dims(graph, id); }

/// Forwards only; a step of -1 reverses. Same dims then mean that nothing was cut off; but x[:, :, :1000] of 24 rows cuts
/// where there are more.
bool whole_slice(const Graph& graph, NodeId id) {
    if (!same_dims(graph, id)) return false;
    constexpr int64_t kLongerThanAnyAxis = int64_t{1} << 24;
    const auto dims = known_dims(graph, graph.input(id, 0));
    const auto ends = integers(graph, graph.input(id, 2)), axes = integers_of(graph, id, 3, "axes");
    for (size_t i = 0; dims && ends && i < ends->size(); ++i) {
        const auto axis = static_cast<size_t>(own_axis(axes ? axes->at(i) : static_cast<int64_t>(i), dims->size()));
        if ((*ends)[i] > dims->at(axis) && (*ends)[i] < kLongerThanAnyAxis) return false;
    }
    if (!has_input(graph, id, 4)) return true;
    const auto steps = integers(graph, graph.input(id, 4));
    return steps && std::ranges::all_of(*steps, [](int64_t step) { return step > 0; });
}

/// Negative pads may crop on one side what they add on the other.
bool empty_pad(const Graph& graph, NodeId id) {
    const auto pads = integers_of(graph, id, 1, "pads");
    return pads && std::ranges::all_of(*pads, [](int64_t pad) { return pad == 0; });
}

bool neutral_constant(const Graph& graph, NodeId id, float neutral) {
    if (!same_dims(graph, id)) return false;
    const auto constant = floats(graph, graph.input(id, 1));
    return constant && std::ranges::all_of(*constant, [neutral](float x) { return x == neutral; });
}
bool plus_zero(const Graph& graph, NodeId id) { return neutral_constant(graph, id, 0); }
bool times_one(const Graph& graph, NodeId id) { return neutral_constant(graph, id, 1); }

/// Each pixel where it was. With scales that only round to the same size it would be read elsewhere.
bool same_size(const Graph& graph, NodeId id) {
    const Node& node = graph.node(id);
    if (!same_dims(graph, id)) return false;
    if (graph::string_attribute(node, "coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize")
        return false;
    if (has_input(graph, id, 3)) return true;
    const auto scales = has_input(graph, id, 2) ? floats(graph, graph.input(id, 2)) : std::nullopt;
    return scales && std::ranges::all_of(*scales, [](float scale) { return scale == 1; });
}

struct Identity {
    const char* op;
    Predicate returns_first_input;
};
constexpr Identity kIdentities[] = {
    {"Identity", always},
    {"Dropout", plain_dropout},
    {"Cast", same_type},
    {"CastLike", same_type},
    {"Expand", same_dims},
    {"Reshape", same_dims},
    {"Flatten", same_dims},
    {"Squeeze", same_dims},
    {"Unsqueeze", same_dims},
    {"Transpose", keeps_order},
    {"Slice", whole_slice},
    {"Resize", same_size},
    {"Pad", empty_pad},
    {"Clip", unbounded_clip},
    {"Concat", single_input},
    {"Sum", single_input},
    {"Max", single_input},
    {"Min", single_input},
    {"Mean", single_input},
    {"Split", single_part},
    {"AveragePool", pool},
    {"MaxPool", pool},
    {"GlobalAveragePool", same_dims},
    {"GlobalMaxPool", same_dims},
    {"ReduceMean", single_elements},
    {"ReduceSum", single_elements},
    {"ReduceMax", single_elements},
    {"ReduceMin", single_elements},
    {"Add", plus_zero},
    {"Sub", plus_zero},
    {"Mul", times_one},
    {"Div", times_one},
};

}  // namespace

Rewrite remove_identity(Graph& graph, NodeId id) {
    const auto entry = std::ranges::find_if(kIdentities, [&](const Identity& one) { return is_op(graph, id, one.op); });
    if (entry == std::end(kIdentities) || !has_input(graph, id, 0)) return Rewrite::no_match();
    if (!entry->returns_first_input(graph, id)) return Rewrite::no_match();
    const ValueId x = graph.input(id, 0), y = graph.output(id);
    if (graph.is_output(y)) {
        if (graph.producer(x) == NodeId::none || graph.is_output(x))
            return Rewrite::declined("it keeps the name of a graph output");
    }
    if (const NodeId producer = graph.producer(x); producer != NodeId::none) absorb_behind(graph, producer, id);
    graph.replace_uses(y, x);
    graph.remove_node(id);
    return Rewrite::done();
}

}  // namespace calotype::optimize
