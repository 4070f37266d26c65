#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "onnx/upgrade/steps.hpp"

// Opsets 1 to 7, as Caffe2 and the first exporters wrote them. Ranks need not be known here: what depends on them is
// written as a computation on shapes, which is constant as soon as the first sample is.

namespace calotype::onnx::upgrading {
namespace {

/// 1-D int64 [n], n = rank(x).
ValueId rank_of(Graph& graph, NodeId id, std::string_view what, ValueId x) {
    const ValueId shape = insert_before(graph, id, fmt::format("{}_shape", what), "Shape", {x});
    return insert_before(graph, id, fmt::format("{}_rank", what), "Shape", {shape});
}

/// `x` with `count` (1-D int64 [1]) axes of length 1 behind its own.
ValueId with_axes_behind(Graph& graph, NodeId id, std::string_view what, ValueId x, ValueId count) {
    const std::vector<int64_t> one = {1};
    const ValueId ones = insert_before(graph, id, fmt::format("{}_ones", what), "ConstantOfShape", {count},
                                       {{"value", Tensor::of<int64_t>({1}, one)}});
    const ValueId shape = insert_before(graph, id, fmt::format("{}_own_shape", what), "Shape", {x});
    const ValueId wide =
        insert_before(graph, id, fmt::format("{}_wide", what), "Concat", {shape, ones}, {{"axis", int64_t{0}}});
    return insert_before(graph, id, std::string(what), "Reshape", {x, wide}, {{"allowzero", int64_t{1}}});
}

}  // namespace

/// Before 7 `broadcast` allowed the second operand to be smaller, and `axis` said where in the first its axes begin;
/// without `axis` they are the last ones, as since 7:  Add_6(a, b, axis) => Add_7(a, Reshape(b, shape(b) + [1, ...]))
void broadcast(Graph& graph, NodeId id) {
    const bool places = graph.node(id).attributes.contains("axis");
    const std::vector<int64_t> axis = {int_attribute(graph.node(id), "axis", 0)};
    graph.node(id).attributes.erase("axis");
    graph.node(id).attributes.erase("broadcast");
    const ValueId a = graph.input(id, 0), b = graph.input(id, 1);
    if (!places || a == ValueId::none || b == ValueId::none) return;
    ValueId behind = int_constant(graph, id, "axis", {axis[0] < 0 ? -axis[0] : axis[0]});
    if (axis[0] >= 0) behind = insert_before(graph, id, "from_axis", "Sub", {rank_of(graph, id, "a", a), behind});
    const ValueId count = insert_before(graph, id, "behind", "Sub", {behind, rank_of(graph, id, "b", b)});
    graph.set_input(id, 1, with_axes_behind(graph, id, "b", b, count));
}

/// Before 7 a slope of one axis belongs to the channels, axis 1.
void prelu_6(Graph& graph, NodeId id) {
    const ValueId x = graph.input(id, 0), slope = graph.input(id, 1);
    if (x == ValueId::none || slope == ValueId::none) return;
    const auto& dims = graph.value(slope).dims;
    if (dims && (dims->size() != 1 || dims->front() == 1)) return;  // broadcast as since 7
    const ValueId two = int_constant(graph, id, "channel_axes", {2});
    const ValueId count = insert_before(graph, id, "behind", "Sub", {rank_of(graph, id, "x", x), two});
    const ValueId none = int_constant(graph, id, "no_axes", {0});
    const ValueId least = insert_before(graph, id, "at_least_none", "Max", {count, none});
    graph.set_input(id, 1, with_axes_behind(graph, id, "slope", slope, least));
}

/// Before 6 the type was its name.
void cast_1(Graph& graph, NodeId id) {
    constexpr std::array kNames = {"UNDEFINED", "FLOAT",  "UINT8", "INT8",    "UINT16", "INT16",  "INT32",
                                   "INT64",     "STRING", "BOOL",  "FLOAT16", "DOUBLE", "UINT32", "UINT64"};
    const std::string to = string_attribute(graph.node(id), "to", "");
    const auto* const found = std::find(kNames.begin(), kNames.end(), to);
    if (found == kNames.end()) refuse(graph, id, fmt::format("its type `{}` is unknown", to), "export it again");
    graph.node(id).attributes["to"] = static_cast<int64_t>(found - kNames.begin());
}

void concat_1(Graph& graph, NodeId id) { graph.node(id).attributes.emplace("axis", int64_t{1}); }

void pad_1(Graph& graph, NodeId id) {
    const std::vector<int64_t> pads = ints_attribute(graph.node(id), "paddings");
    graph.node(id).attributes.erase("paddings");
    graph.node(id).attributes.emplace("pads", pads);
}

void reshape_1(Graph& graph, NodeId id) { ints_to_input(graph, id, "shape", 1); }

/// The defaults have had more digits since 6.
void selu_1(Graph& graph, NodeId id) {
    graph.node(id).attributes.emplace("alpha", 1.6732F);
    graph.node(id).attributes.emplace("gamma", 1.0507F);
}

/// The sizes were an input of the type of the data, or an attribute.
void split_1(Graph& graph, NodeId id) {
    const ValueId sizes = graph.input(id, 1);
    if (sizes != ValueId::none)
        graph.set_input(id, 1, insert_before(graph, id, "sizes", "Cast", {sizes}, {{"to", int64_t{7}}}));
}

/// Tile_1(x, tiles, axis) => Tile_6(x, repeats),  repeats 1 but at `axis`, where it is `tiles`
void tile_1(Graph& graph, NodeId id) {
    const ValueId x = graph.input(id, 0);
    if (x == ValueId::none || graph.input(id, 1) == ValueId::none || graph.input(id, 2) == ValueId::none)
        refuse(graph, id, "it has not three inputs", "export it again");
    const std::vector<int64_t> one = {1};
    const ValueId flat = int_constant(graph, id, "flat", {1});
    const auto int_of = [&](size_t index, const std::string& what) {
        const ValueId cast =
            insert_before(graph, id, what + "_int", "Cast", {graph.input(id, index)}, {{"to", int64_t{7}}});
        return insert_before(graph, id, what, "Reshape", {cast, flat});
    };
    const ValueId tiles = int_of(1, "tiles"), axis = int_of(2, "axis");
    const ValueId ones = insert_before(graph, id, "ones", "ConstantOfShape", {rank_of(graph, id, "x", x)},
                                       {{"value", Tensor::of<int64_t>({1}, one)}});
    const ValueId repeats = insert_before(graph, id, "repeats", "ScatterElements", {ones, axis, tiles});
    graph.node(id).inputs.resize(2);
    graph.set_input(id, 1, repeats);
}

void upsample_1(Graph& graph, NodeId id) {
    if (graph.node(id).attributes.contains("scales")) return;
    const float height = float_attribute(graph.node(id), "height_scale", 1);
    const float width = float_attribute(graph.node(id), "width_scale", 1);
    graph.node(id).attributes.erase("height_scale");
    graph.node(id).attributes.erase("width_scale");
    graph.node(id).attributes["scales"] = std::vector<float>{1, 1, height, width};
}

/// `p` was a float.
void lp_pool_1(Graph& graph, NodeId id) {
    const float p = float_attribute(graph.node(id), "p", 2);
    graph.node(id).attributes["p"] = static_cast<int64_t>(std::clamp(p, 0.0F, 1024.0F));
}

/// Attributes which say nothing about the values of inference.
void drop_old_attributes(Graph& graph, NodeId id) {
    for (const char* name : {"is_test", "broadcast", "output_sequence"}) graph.node(id).attributes.erase(name);
}

}  // namespace calotype::onnx::upgrading
