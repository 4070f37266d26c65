#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "onnx/read.hpp"
#include "onnx/upgrade/steps.hpp"

// What changed between the file's opset and 21, operator by operator (onnx/docs/Changelog.md). Changes that only widen
// what an operator takes need no line.

namespace calotype::onnx {
namespace {

using namespace upgrading;

constexpr int64_t kOldest = 1, kTarget = 21, kNewest = 28;

using Step = void (*)(Graph&, NodeId);

void axes_to_input(Graph& graph, NodeId id) { ints_to_input(graph, id, "axes", 1); }

void clip(Graph& graph, NodeId id) {
    float_to_input(graph, id, "min", 1);
    float_to_input(graph, id, "max", 2);
}

void pad(Graph& graph, NodeId id) {
    ints_to_input(graph, id, "pads", 1);
    float_to_input(graph, id, "value", 2);
}

void dropout_12(Graph& graph, NodeId id) { graph.node(id).attributes.erase("ratio"); }

void scatter(Graph& graph, NodeId id) { graph.node(id).op = "ScatterElements"; }

void grid_sample(Graph& graph, NodeId id) {
    const std::string mode = string_attribute(graph.node(id), "mode", "bilinear");
    graph.node(id).attributes["mode"] = mode == "bilinear"  ? std::string("linear")
                                        : mode == "bicubic" ? std::string("cubic")
                                                            : mode;
}

/// The default of 16 moves every region by half a pixel.
void roi_align(Graph& graph, NodeId id) {
    graph.node(id).attributes["coordinate_transformation_mode"] = std::string("output_half_pixel");
}

struct Change {
    const char* op;
    int64_t since;  ///< nodes of older opsets are changed
    Step step;
};

constexpr Change kChanges[] = {
    {"Add", 7, broadcast},
    {"And", 7, broadcast},
    {"BatchNormalization", 7, drop_old_attributes},
    {"BatchNormalization", 9, batch_normalization_9},
    {"BatchNormalization", 14, batch_normalization_14},
    {"Cast", 6, cast_1},
    {"Clip", 11, clip},
    {"Concat", 4, concat_1},
    {"DFT", 20, dft},
    {"Div", 7, broadcast},
    {"Dropout", 7, drop_old_attributes},
    {"Dropout", 10, dropout_10},
    {"Dropout", 12, dropout_12},
    {"Equal", 7, broadcast},
    {"GRU", 7, drop_old_attributes},
    {"Gemm", 7, drop_old_attributes},
    {"GlobalLpPool", 2, lp_pool_1},
    {"Greater", 7, broadcast},
    {"GridSample", 20, grid_sample},
    {"GroupNormalization", 21, group_normalization},
    {"Hardmax", 13, softmax},
    {"LSTM", 7, drop_old_attributes},
    {"Less", 7, broadcast},
    {"LogSoftmax", 13, softmax},
    {"LpPool", 2, lp_pool_1},
    {"Mul", 7, broadcast},
    {"Or", 7, broadcast},
    {"PRelu", 7, prelu_6},
    {"Pad", 2, pad_1},
    {"Pad", 11, pad},
    {"Pow", 7, broadcast},
    {"RNN", 7, drop_old_attributes},
    {"ReduceL1", 18, axes_to_input},
    {"ReduceL2", 18, axes_to_input},
    {"ReduceLogSum", 18, axes_to_input},
    {"ReduceLogSumExp", 18, axes_to_input},
    {"ReduceMax", 18, axes_to_input},
    {"ReduceMean", 18, axes_to_input},
    {"ReduceMin", 18, axes_to_input},
    {"ReduceProd", 18, axes_to_input},
    {"ReduceSum", 13, axes_to_input},
    {"ReduceSumSquare", 18, axes_to_input},
    {"Reshape", 5, reshape_1},
    {"Resize", 11, resize_10},
    {"Resize", 13, resize_12},
    {"RoiAlign", 16, roi_align},
    {"Scan", 9, scan_8},
    {"Scatter", 11, scatter},
    {"Selu", 6, selu_1},
    {"Slice", 10, slice},
    {"Softmax", 13, softmax},
    {"Split", 2, split_1},
    {"Split", 18, split},
    {"Squeeze", 13, axes_to_input},
    {"Sub", 7, broadcast},
    {"Tile", 6, tile_1},
    {"TopK", 10, top_k},
    {"Unsqueeze", 13, axes_to_input},
    {"Upsample", 7, upsample_1},
    {"Upsample", 10, upsample},
    {"Xor", 7, broadcast},
};

const Change* first_change(const std::vector<std::string>& operators, int64_t opset) {
    const auto* const found = std::ranges::find_if(kChanges, [&](const Change& change) {
        return opset < change.since && std::ranges::find(operators, change.op) != operators.end();
    });
    return found == std::end(kChanges) ? nullptr : found;
}

/// A subgraph stays the bytes it is unless it holds something that means another thing at 21.
void upgrade_subgraphs(Graph& graph, NodeId id) {
    for (auto& [name, attribute] : graph.node(id).attributes) {
        auto* const body = std::get_if<graph::OpaqueGraph>(&attribute);
        const Change* const change = body == nullptr ? nullptr : first_change(body->operators, graph.opset);
        if (change == nullptr || upgrade_subgraph(graph, graph.node(id), *body)) continue;
        refuse(graph, id,
               fmt::format("its subgraph takes or gives other types than tensors and holds {} of opset {}, which is "
                           "another operator since {}",
                           change->op, graph.opset, change->since),
               fmt::format("export the model with opset {} or later", change->since));
    }
}

/// True unless something in the graph says that it computes in another type than float32.
bool only_float32(const Graph& graph) {
    for (const ValueId id : graph.values()) {
        const auto& type = graph.value(id).type;
        if (type == DataType::float16 || type == DataType::bfloat16 || type == DataType::float64) return false;
    }
    return true;
}

/// What `clip` and `pad` made an input of a node was a float32 as an attribute, whatever the node computes in; an input
/// must be of the node's type.
void cast_float_inputs(Graph& graph, NodeId id) {
    const std::string op = graph.node(id).op;
    if (op != "Clip" && op != "Pad") return;
    for (const size_t index : {size_t{1}, size_t{2}}) {
        const ValueId value = graph.input(id, index);
        if (!graph.is_constant(value) || graph.value(value).type != DataType::float32) continue;
        graph.set_input(
            id, index,
            insert_before(graph, id, fmt::format("input_{}_typed", index), "CastLike", {value, graph.input(id, 0)}));
    }
}

void upgrade_node(Graph& graph, NodeId id, bool casts) {
    upgrade_subgraphs(graph, id);
    if (!graph.node(id).domain.empty()) return;
    if (graph.opset < 6) graph.node(id).attributes.erase("consumed_inputs");
    const std::string op = graph.node(id).op;  // of the file: an Upsample that became a Resize is done
    for (const Change& change : kChanges) {
        if (op == change.op && graph.opset < change.since) change.step(graph, id);
    }
    if (casts) cast_float_inputs(graph, id);
}

}  // namespace

void upgrade(Graph& graph, const Deadline& deadline) {
    if (graph.opset < kOldest || graph.opset > kNewest) {
        throw Error({"OPSET_UNSUPPORTED", "the model",
                     fmt::format("it is of opset {}, {} to {} are read", graph.opset, kOldest, kNewest),
                     "export it again with opset 17"});
    }
    deadline.check();
    if (graph.opset >= kTarget) return;
    const bool casts = graph.opset < 11 && !only_float32(graph);
    const std::vector<NodeId> before = graph.nodes();
    std::vector<NodeId> order;
    for (const NodeId id : before) {
        deadline.check();
        const auto known = static_cast<std::ptrdiff_t>(graph.nodes().size());
        upgrade_node(graph, id, casts);
        order.insert(order.end(), graph.nodes().begin() + known, graph.nodes().end());
        order.push_back(id);
    }
    graph.reorder(std::move(order));
    graph.opset = kTarget;
    graph.sort();
}

}  // namespace calotype::onnx
