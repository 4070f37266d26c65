#include "observe/known_sizes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "base/elements.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"
#include "observe/node_macs.hpp"

namespace calotype::observe {
namespace {

using graph::Graph;
using graph::Node;
using graph::ValueId;

using Shapes = std::map<std::string, Dims>;

Shapes shapes_of(const Graph& graph, const std::vector<ort::Info>& outputs) {
    Shapes shapes;
    for (const ValueId id : graph.values())
        if (const graph::Value& value = graph.value(id); value.dims) shapes[value.name] = *value.dims;
    for (const ort::Info& output : outputs)
        if (output.is_tensor()) shapes[output.name] = output.dims;
    return shapes;
}

NodeShapes shapes_of(const Graph& graph, const Node& node, const Shapes& shapes) {
    const auto of = [&](const std::vector<ValueId>& ids) {
        std::vector<Dims> all;
        for (const ValueId id : ids) {
            const auto found = id == ValueId::none ? shapes.end() : shapes.find(graph.value(id).name);
            all.push_back(found == shapes.end() ? Dims{} : found->second);
        }
        return all;
    };
    return {of(node.inputs), of(node.outputs)};
}

void check_tensor(const ort::Info& output, const Limits& limits) {
    refuse_many_dims(output.name, output.dims);
    const int64_t count = elements(output.dims);
    if (count <= limits.tensor_elems) return;
    throw Error({"LIMIT_ELEMENTS", fmt::format("tensor `{}`", output.name),
                 fmt::format("its shape {} has more than {} elements", to_string(output.dims), limits.tensor_elems),
                 how_to_raise(&Limits::tensor_elems)});
}

/// A window that spans more than the padded input has no place there; ONNX Runtime 1.32 aborts where it is dilated so.
void check_window(const Node& node, const NodeShapes& shapes) {
    if (node.op != "Conv" || !node.domain.empty() || shapes.inputs.size() < 2) return;
    const auto mode = node.attributes.find("auto_pad");
    const auto* padding = mode == node.attributes.end() ? nullptr : std::get_if<std::string>(&mode->second);
    if (padding != nullptr && padding->starts_with("SAME")) return;
    const Dims &x = shapes.inputs[0], &w = shapes.inputs[1];
    const auto pads = graph::ints_attribute(node, "pads"), dilations = graph::ints_attribute(node, "dilations");
    if (x.size() != w.size()) return;
    for (size_t axis = 2, i = 0, axes = x.size() - 2; axis < x.size(); ++axis, ++i) {
        if (x[axis] < 0 || w[axis] < 1) continue;
        const int64_t spread = i < dilations.size() ? dilations[i] : 1;
        const int64_t padded = pads.size() == 2 * axes ? sum(x[axis], sum(pads[i], pads[axes + i])) : x[axis];
        const int64_t span = sum(product(w[axis] - 1, spread), 1);
        if (span > padded)
            throw Error(
                {"ONNX_INVALID", fmt::format("node `{}` ({})", node.name, node.op),
                 fmt::format("its window spans {} elements of axis {}, the padded input has {}", span, axis, padded),
                 "export the model again"});
    }
}

/// How often a tensor lies in memory: in ONNX Runtime, and copied out of it; while ONNX Runtime 1.32 makes an Einsum it
/// holds it, or what is as large, twice more.
int64_t copies_of(const Graph& graph, const std::string& name) {
    const auto id = graph.find_value(name);
    const graph::NodeId maker = id ? graph.producer(*id) : graph::NodeId::none;
    return maker != graph::NodeId::none && graph.node(maker).op == "Einsum" ? 4 : 2;
}

}  // namespace

void refuse_many_dims(const std::string& tensor, const Dims& dims) {
    constexpr size_t kMostDims = 64;
    if (dims.size() <= kMostDims) return;
    throw Error({"ONNX_INVALID", fmt::format("tensor `{}`", tensor),
                 fmt::format("its shape has {} dims, at most {} are supported", dims.size(), kMostDims),
                 "export the model again"});
}

void refuse_large_runs(const Graph& graph, const std::vector<ort::Info>& outputs, const Limits& limits) {
    const int64_t allowed_bytes = allowed_memory_bytes(limits);
    int64_t bytes = 0, most_bytes = -1;
    const ort::Info* largest = nullptr;
    for (const ort::Info& output : outputs) {
        if (!output.is_tensor()) continue;
        check_tensor(output, limits);
        const int64_t own = product(elements(output.dims), held_bytes_of(output.type));
        bytes = sum(bytes, product(copies_of(graph, output.name), own));
        if (own > most_bytes) most_bytes = own, largest = &output;
    }
    if (bytes > allowed_bytes)
        throw Error({"LIMIT_MEMORY", fmt::format("tensor `{}`", largest->name),
                     fmt::format("it has {} bytes and a run takes {}, at most {} are allowed", most_bytes, bytes,
                                 allowed_bytes),
                     how_to_raise(&Limits::memory_bytes)});
    const Shapes shapes = shapes_of(graph, outputs);
    for (const graph::NodeId id : graph.nodes()) {
        const Node& node = graph.node(id);
        const NodeShapes known = shapes_of(graph, node, shapes);
        check_window(node, known);
        const int64_t macs = node_macs(node, known);
        if (macs > limits.node_macs)
            throw Error({"LIMIT_MACS", fmt::format("node `{}` ({})", node.name, node.op),
                         fmt::format("it takes {} multiplications, at most {} are allowed", macs, limits.node_macs),
                         how_to_raise(&Limits::node_macs)});
    }
}

void refuse_large_constants(const Graph& graph, const std::set<ValueId>& fixed, const std::vector<ort::Info>& outputs,
                            const Limits& limits) {
    int64_t own_bytes = 0;
    for (const ValueId id : graph.values())
        if (graph.is_constant(id)) own_bytes = sum(own_bytes, content_bytes(*graph.value(id).constant));
    const auto kept = [&](ValueId id) {
        return std::ranges::any_of(graph.readers(id), [&](graph::NodeId reader) {
            const auto& made = graph.node(reader).outputs;
            return !std::ranges::all_of(made, [&](ValueId out) { return out == ValueId::none || fixed.contains(out); });
        });
    };
    const int64_t allowed_bytes = sum(own_bytes, limits.folded_bytes);
    const auto refuse = [&](const ort::Info& tensor, int64_t bytes, const std::string& all) {
        throw Error({"LIMIT_FOLDED", fmt::format("tensor `{}`", tensor.name),
                     fmt::format("it is a constant of {} bytes{}, the file's own {} and {} more are allowed", bytes,
                                 all, own_bytes, limits.folded_bytes),
                     how_to_raise(&Limits::folded_bytes)});
    };
    int64_t kept_bytes = 0, most_bytes = -1;
    const ort::Info* largest = nullptr;
    for (const ort::Info& output : outputs) {
        const auto id = graph.find_value(output.name);
        if (!output.is_tensor() || !id || !fixed.contains(*id)) continue;
        const int64_t bytes = product(elements(output.dims), held_bytes_of(output.type));
        if (bytes > allowed_bytes) refuse(output, bytes, "");  // kept or not: its making takes as long
        if (!kept(*id)) continue;
        kept_bytes = sum(kept_bytes, bytes);
        if (bytes > most_bytes) most_bytes = bytes, largest = &output;
    }
    if (kept_bytes > allowed_bytes)
        refuse(*largest, most_bytes, fmt::format(", all that are computed have {}", kept_bytes));
}

}  // namespace calotype::observe
