// No tensor has more than 64 dims, and what says dims or axes holds no more numbers than that (a Pad's twice as many):
// ONNX Runtime would infer shapes of a million dims.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "onnx/read_parts.hpp"

namespace calotype::onnx {
namespace {

constexpr int64_t kMostDims = 64;

/// An operator's input that lists dims or axes, so many numbers each. Older opsets give them by attributes.
struct List {
    std::string_view op;
    size_t input;
    int64_t numbers_a_dim;
};
constexpr std::array kLists{
    List{"ConstantOfShape", 0, 1}, List{"Expand", 1, 1}, List{"Pad", 1, 2},      List{"Pad", 3, 1},
    List{"Reshape", 1, 1},         List{"Resize", 1, 2}, List{"Resize", 2, 1},   List{"Resize", 3, 1},
    List{"Slice", 1, 1},           List{"Slice", 2, 1},  List{"Slice", 3, 1},    List{"Slice", 4, 1},
    List{"Squeeze", 1, 1},         List{"Tile", 1, 1},   List{"Unsqueeze", 1, 1}};

void check(const graph::Node& node, std::string_view name, int64_t numbers, int64_t numbers_a_dim) {
    const int64_t most = numbers_a_dim * kMostDims;
    if (numbers > most)
        broken(subject_of(node),
               fmt::format("`{}` holds {} numbers, of at most {} dims {} are read", name, numbers, kMostDims, most));
}

}  // namespace

void refuse_many_dims(const graph::Graph& graph) {
    for (const graph::NodeId id : graph.nodes()) {
        const graph::Node& node = graph.node(id);
        if (!node.domain.empty()) continue;
        for (const List& list : kLists) {
            const graph::ValueId given = node.op == list.op ? graph.input(id, list.input) : graph::ValueId::none;
            if (graph.is_constant(given))
                check(node, graph.value(given).name, graph.value(given).constant->elements(), list.numbers_a_dim);
        }
        for (const char* name : {"axes", "perm", "shape", "starts", "ends", "repeats", "pads", "paddings"}) {
            const auto found = node.attributes.find(name);
            const auto* ints =
                found == node.attributes.end() ? nullptr : std::get_if<std::vector<int64_t>>(&found->second);
            if (ints != nullptr)
                check(node, name, std::ssize(*ints), std::string_view(name).starts_with("pad") ? 2 : 1);
        }
    }
}

}  // namespace calotype::onnx
