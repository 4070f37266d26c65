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
    return graph.add_constant(graph.unused_value_name(fmt::format("{}/{}", node.name, what)), Tensor::of<T>(std::move(dims), values));
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

/// Before 13 Softmax and its kin work on a matrix made of the axes before and from `axis` (default 1) on.
void softmax(Graph& graph, NodeId id) {
    const Node node = graph.node(id);
    const int64_t axis = int_attribute(node, "axis", 1);
    const auto& dims = graph.value(node.inputs.at(0)).dims;
    if (!dims) throw Error({"OPSET_UNSUPPORTED", fmt::format("node `{}` ({})", node.name, node.op), "the rank of its input is unknown", "export with opset 13 or later"});
    const auto rank = static_cast<int64_t>(dims->size());
    const int64_t first = axis < 0 ? axis + rank : axis;
    graph.node(id).attributes["axis"] = first;
    if (first == rank - 1) return;
    // Flatten, softmax along the last axis, and back to the shape of the input.
    const ValueId x = node.inputs[0];
    const auto make = [&](std::string op, std::vector<ValueId> in, const char* what) {
        const ValueId out = graph.add_value(graph.unused_value_name(fmt::format("{}/{}", node.name, what)));
        Node extra{.name = graph.unused_node_name(node.name + "/" + what), .op = std::move(op), .domain = "", .inputs = std::move(in), .outputs = {out}, .attributes = {}, .sources = node.sources};
        if (extra.op == "Flatten") extra.attributes["axis"] = first;
        graph.insert_node(std::move(extra), id);
        return out;
    };
    const ValueId flat = make("Flatten", {x}, "flat");
    const ValueId shape = make("Shape", {x}, "shape");
    graph.set_input(id, 0, flat);
    graph.node(id).attributes["axis"] = int64_t{-1};
    const ValueId y = node.outputs[0];
    const ValueId inner = graph.add_value(graph.unused_value_name(node.name + "/softmax"));
    // The node writes `inner`; a Reshape behind it writes the old output.
    Node softmax_node = graph.node(id);
    softmax_node.outputs = {inner};
    const size_t place = static_cast<size_t>(std::find(graph.nodes().begin(), graph.nodes().end(), id) - graph.nodes().begin());
    const NodeId next = place + 1 < graph.nodes().size() ? graph.nodes()[place + 1] : NodeId::none;
    graph.remove_node(id);
    const auto put = [&](Node one) { return next == NodeId::none ? graph.add_node(std::move(one)) : graph.insert_node(std::move(one), next); };
    put(softmax_node);
    put({.name = graph.unused_node_name(node.name + "/reshape"), .op = "Reshape", .domain = "", .inputs = {inner, shape}, .outputs = {y}, .attributes = {}, .sources = node.sources});
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
        const std::vector<float> values = found == node.attributes.end() ? std::vector<float>{} : std::get<std::vector<float>>(found->second);
        scales = constant<float>(graph, node, "scales", {static_cast<int64_t>(values.size())}, values);
        graph.node(id).attributes.erase("scales");
    }
    Node& changed = graph.node(id);
    changed.op = "Resize";
    changed.attributes["coordinate_transformation_mode"] = std::string("asymmetric");
    if (string_attribute(changed, "mode", "nearest") == "nearest") changed.attributes["nearest_mode"] = std::string("floor");
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
            {"BatchNormalization", 14, [](Graph& g, NodeId id) {
                 for (size_t i = 1; i < g.node(id).outputs.size(); ++i) {
                     if (g.uses(g.node(id).outputs[i]) > 0) throw Error({"OPSET_UNSUPPORTED", fmt::format("node `{}`", g.node(id).name), "it trains: its running statistics are read", "export the model for inference"});
                 }
                 g.node(id).outputs.resize(1);
             }},
            {"Upsample", 10, resize},
            {"Resize", 11, [](Graph& g, NodeId id) {
                 if (g.input(id, 2) == ValueId::none) resize(g, id);
             }},
            {"Slice", 10, slice},
            {"TopK", 10, [](Graph& g, NodeId id) {
                 const int64_t k = int_attribute(g.node(id), "k", 1);
                 drop(g, id, "k");
                 g.set_input(id, 1, int_constant(g, g.node(id), "k", {k}));
             }},
            {"Clip", 11, [](Graph& g, NodeId id) {
                 float_to_input(g, id, "min", 1);
                 float_to_input(g, id, "max", 2);
             }},
            {"Pad", 11, [](Graph& g, NodeId id) {
                 ints_to_input(g, id, "pads", 1);
                 float_to_input(g, id, "value", 2);
             }},
            {"Dropout", 12, [](Graph& g, NodeId id) { drop(g, id, "ratio"); }},
            {"Squeeze", 13, [](Graph& g, NodeId id) { ints_to_input(g, id, "axes", 1); }},
            {"Unsqueeze", 13, [](Graph& g, NodeId id) { ints_to_input(g, id, "axes", 1); }},
            {"ReduceSum", 13, [](Graph& g, NodeId id) { ints_to_input(g, id, "axes", 1); }},
            {"Split", 18, split},
            {"Softmax", 13, softmax}, {"LogSoftmax", 13, softmax}, {"Hardmax", 13, softmax},
        };
        for (const char* op : {"ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"}) {
            list.push_back({op, 18, [](Graph& g, NodeId id) { ints_to_input(g, id, "axes", 1); }});
        }
        return list;
    }();
    return all;
}

}  // namespace

void upgrade(Graph& graph) {
    if (graph.opset < kOldest) {
        throw Error({"OPSET_UNSUPPORTED", "the model", fmt::format("it is of opset {}, {} and later are read", graph.opset, kOldest), "export it again with opset 17"});
    }
    if (graph.opset >= kTarget) return;
    const std::vector<NodeId> before = graph.nodes();
    for (const NodeId id : before) {
        const Node& node = graph.node(id);
        if (!node.domain.empty()) continue;
        for (const Change& change : changes()) {
            if (node.op == change.op && graph.opset < change.since && graph.alive(id)) change.change(graph, id);
        }
    }
    graph.opset = kTarget;
    graph.sort();
}

}  // namespace calotype::onnx
