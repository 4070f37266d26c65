#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/error.hpp"
#include "onnx/read.hpp"

// What changed between the file's opset and 21, operator by operator (onnx/docs/Changelog.md).

namespace calotype::onnx {
namespace {

using graph::Graph;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

constexpr int64_t kOldest = 8, kTarget = 21;

template <class T>
ValueId constant(Graph& graph, const Node& node, std::string_view what, Dims dims, const std::vector<T>& values) {
    return graph.add_constant(graph.unused_value_name(fmt::format("{}/{}", node.name, what)),
                              Tensor::of<T>(std::move(dims), values));
}

ValueId int_constant(Graph& graph, const Node& node, std::string_view what, const std::vector<int64_t>& values) {
    return constant<int64_t>(graph, node, what, {static_cast<int64_t>(values.size())}, values);
}

/// An attribute of ints becomes input `index`.
void ints_to_input(Graph& graph, NodeId id, const char* name, size_t index) {
    Node& node = graph.node(id);
    if (!node.attributes.contains(name)) return;
    const ValueId value = int_constant(graph, node, name, ints_attribute(node, name));
    graph.node(id).attributes.erase(name);
    graph.set_input(id, index, value);
}

void float_to_input(Graph& graph, NodeId id, const char* name, size_t index) {
    Node& node = graph.node(id);
    if (!node.attributes.contains(name)) return;
    const ValueId value = constant<float>(graph, node, name, {}, {float_attribute(node, name, 0)});
    graph.node(id).attributes.erase(name);
    graph.set_input(id, index, value);
}

/// The rank where the file or the producer says it; -1 otherwise.
int64_t known_rank(const Graph& graph, ValueId id) {
    for (int64_t steps = 0; steps < 64 && id != ValueId::none; ++steps) {
        if (const auto& dims = graph.value(id).dims) return static_cast<int64_t>(dims->size());
        const NodeId maker = graph.producer(id);
        if (maker == NodeId::none) return -1;
        const std::string& op = graph.node(maker).op;
        if (op == "Gemm" || op == "Flatten") return 2;
        const bool keeps_rank = op == "Relu" || op == "Identity" || op == "Dropout" || op == "Conv" ||
                                op == "BatchNormalization" || op == "Cast" || op == "Transpose" ||
                                op == "GlobalAveragePool" || op == "MaxPool" || op == "AveragePool";
        if (!keeps_rank) return -1;
        id = graph.input(maker, 0);
    }
    return -1;
}

/// Before 13 Softmax and its kin work on a matrix made of the axes before and from `axis` (default 1) on:
/// Softmax(x) => Reshape(Softmax(Flatten(x, axis), -1), Shape(x)), unless `axis` is the last one.
void softmax(Graph& graph, NodeId id) {
    const Node old = graph.node(id);
    const int64_t axis = int_attribute(old, "axis", 1);
    graph.node(id).attributes["axis"] = int64_t{-1};
    const int64_t rank = known_rank(graph, graph.input(id, 0));
    if (axis == -1 || axis == rank - 1) return;
    const auto inserted = [&](const char* op, std::vector<ValueId> in, std::string_view what, NodeId before) {
        const ValueId out = graph.add_value(graph.unused_value_name(fmt::format("{}/{}", old.name, what)));
        Node extra;
        extra.name = graph.unused_node_name(fmt::format("{}/{}", old.name, what));
        extra.op = op;
        extra.inputs = std::move(in);
        extra.outputs = {out};
        extra.sources = old.sources;
        if (extra.op == "Flatten") extra.attributes["axis"] = axis;
        graph.insert_node(std::move(extra), before);
        return out;
    };
    const ValueId x = graph.input(id, 0), y = graph.output(id);
    const ValueId shape = inserted("Shape", {x}, "shape", id);
    graph.set_input(id, 0, inserted("Flatten", {x}, "flat", id));
    // The node makes a matrix now, and a Reshape behind it the old value; sort puts the Reshape before its readers.
    const ValueId matrix = graph.add_value(graph.unused_value_name(old.name + "/matrix"));
    graph.node(id).outputs = {matrix};
    graph.value(matrix).producer = id;
    graph.value(y).producer = NodeId::none;
    Node reshape;
    reshape.name = graph.unused_node_name(old.name + "/reshape");
    reshape.op = "Reshape";
    reshape.inputs = {matrix, shape};
    reshape.outputs = {y};
    reshape.sources = old.sources;
    graph.add_node(std::move(reshape));
}

void slice(Graph& graph, NodeId id) {
    const std::vector<int64_t> starts = ints_attribute(graph.node(id), "starts");
    std::vector<int64_t> axes = ints_attribute(graph.node(id), "axes");
    for (size_t i = axes.size(); i < starts.size(); ++i) axes.push_back(static_cast<int64_t>(i));
    graph.node(id).attributes["axes"] = axes;
    ints_to_input(graph, id, "starts", 1);
    ints_to_input(graph, id, "ends", 2);
    ints_to_input(graph, id, "axes", 3);
}

/// Upsample (to 9) and Resize of 10 place pixels asymmetrically and round down.
void resize(Graph& graph, NodeId id) {
    Node& node = graph.node(id);
    ValueId scales = graph.input(id, 1);
    if (scales == ValueId::none) {
        const auto found = node.attributes.find("scales");
        const std::vector<float> values =
            found == node.attributes.end() ? std::vector<float>{} : std::get<std::vector<float>>(found->second);
        scales = constant<float>(graph, node, "scales", {static_cast<int64_t>(values.size())}, values);
        graph.node(id).attributes.erase("scales");
    }
    Node& changed = graph.node(id);
    changed.op = "Resize";
    changed.attributes["coordinate_transformation_mode"] = std::string("asymmetric");
    if (string_attribute(changed, "mode", "nearest") == "nearest")
        changed.attributes["nearest_mode"] = std::string("floor");
    if (string_attribute(changed, "mode", "nearest") == "bilinear") changed.attributes["mode"] = std::string("linear");
    graph.set_input(id, 1, ValueId::none);
    graph.set_input(id, 2, scales);
}

void split(Graph& graph, NodeId id) {
    ints_to_input(graph, id, "split", 1);
    if (graph.input(id, 1) == ValueId::none) {
        graph.node(id).attributes["num_outputs"] = static_cast<int64_t>(graph.node(id).outputs.size());
    }
}

struct Change {
    const char* op;
    int64_t since;  ///< nodes of older opsets are changed
    std::function<void(Graph&, NodeId)> change;
};

void drop(Graph& graph, NodeId id, const char* name) { graph.node(id).attributes.erase(name); }

const std::vector<Change>& changes() {
    static const std::vector<Change> all = [] {
        std::vector<Change> list = {
            {"BatchNormalization", 9, [](Graph& g, NodeId id) { drop(g, id, "spatial"); }},
            {"BatchNormalization", 14,
             [](Graph& g, NodeId id) {
                 for (size_t i = 1; i < g.node(id).outputs.size(); ++i) {
                     if (g.uses(g.node(id).outputs[i]) > 0)
                         throw Error({"OPSET_UNSUPPORTED", fmt::format("node `{}`", g.node(id).name),
                                      "it trains: its running statistics are read", "export the model for inference"});
                 }
                 g.node(id).outputs.resize(1);
             }},
            {"Upsample", 10, resize},
            {"Resize", 11,
             [](Graph& g, NodeId id) {
                 if (g.input(id, 2) == ValueId::none) resize(g, id);
             }},
            {"Slice", 10, slice},
            {"TopK", 10,
             [](Graph& g, NodeId id) {
                 const int64_t k = int_attribute(g.node(id), "k", 1);
                 drop(g, id, "k");
                 g.set_input(id, 1, int_constant(g, g.node(id), "k", {k}));
             }},
            {"Clip", 11,
             [](Graph& g, NodeId id) {
                 float_to_input(g, id, "min", 1);
                 float_to_input(g, id, "max", 2);
             }},
            {"Pad", 11,
             [](Graph& g, NodeId id) {
                 ints_to_input(g, id, "pads", 1);
                 float_to_input(g, id, "value", 2);
             }},
            {"Dropout", 12, [](Graph& g, NodeId id) { drop(g, id, "ratio"); }},
            {"Squeeze", 13, [](Graph& g, NodeId id) { ints_to_input(g, id, "axes", 1); }},
            {"Unsqueeze", 13, [](Graph& g, NodeId id) { ints_to_input(g, id, "axes", 1); }},
            {"ReduceSum", 13, [](Graph& g, NodeId id) { ints_to_input(g, id, "axes", 1); }},
            {"Split", 18, split},
            {"Scatter", 11, [](Graph& g, NodeId id) { g.node(id).op = "ScatterElements"; }},
            {"GridSample", 20,
             [](Graph& g, NodeId id) {
                 const std::string mode = string_attribute(g.node(id), "mode", "bilinear");
                 g.node(id).attributes["mode"] = mode == "bilinear"  ? std::string("linear")
                                                 : mode == "bicubic" ? std::string("cubic")
                                                                     : mode;
             }},
            {"Softmax", 13, softmax},
            {"LogSoftmax", 13, softmax},
            {"Hardmax", 13, softmax},
        };
        for (const char* op : {"ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
                               "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"}) {
            list.push_back({op, 18, [](Graph& g, NodeId id) { ints_to_input(g, id, "axes", 1); }});
        }
        return list;
    }();
    return all;
}

/// A subgraph stays the bytes it is: what it holds must mean the same at 21.
void refuse_old_subgraphs(const Graph& graph, const Node& node) {
    for (const auto& [name, attribute] : node.attributes) {
        const auto* subgraph = std::get_if<graph::OpaqueGraph>(&attribute);
        if (subgraph == nullptr) continue;
        for (const Change& change : changes()) {
            const auto& held = subgraph->operators;
            if (graph.opset >= change.since || std::find(held.begin(), held.end(), change.op) == held.end()) continue;
            throw Error({"OPSET_UNSUPPORTED", fmt::format("node `{}` ({})", node.name, node.op),
                         fmt::format("its subgraph holds {} of opset {}, which is another operator since {}", change.op,
                                     graph.opset, change.since),
                         fmt::format("export the model with opset {} or later", change.since)});
        }
    }
}

}  // namespace

void upgrade(Graph& graph) {
    if (graph.opset < kOldest) {
        throw Error({"OPSET_UNSUPPORTED", "the model",
                     fmt::format("it is of opset {}, {} and later are read", graph.opset, kOldest),
                     "export it again with opset 17"});
    }
    if (graph.opset >= kTarget) return;
    const std::vector<NodeId> before = graph.nodes();
    for (const NodeId id : before) {
        const Node& node = graph.node(id);
        refuse_old_subgraphs(graph, node);
        if (!node.domain.empty()) continue;
        for (const Change& change : changes()) {
            if (node.op == change.op && graph.opset < change.since && graph.alive(id)) change.change(graph, id);
        }
    }
    graph.opset = kTarget;
    graph.sort();
}

}  // namespace calotype::onnx
