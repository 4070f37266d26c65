// A network of float16, bfloat16 or float64 => the same network of float32, between a Cast of each input and output.
// It is what such a file stands for: weights kept in fewer or more bits. ONNX Runtime computes most of float16 by Casts
// around float32 kernels, and has no convolution of the other two. Left as it is is a model without a layer of such a
// type, and one whose subgraphs or functions hold bytes that nobody looks into.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "onnx/read_parts.hpp"
#include "onnx/types.hpp"

namespace calotype::onnx {
namespace {

using graph::Graph;
using graph::NodeId;
using graph::ValueId;

bool is_other_real(std::optional<DataType> type) {
    return type == DataType::float16 || type == DataType::bfloat16 || type == DataType::float64;
}

bool is_layer_of_other_reals(const Graph& graph, NodeId id) {
    constexpr std::array kLayers{"Conv", "ConvTranspose", "Gemm", "MatMul"};
    const graph::Node& node = graph.node(id);
    return node.domain.empty() && std::ranges::find(kLayers, node.op) != kLayers.end() &&
           std::ranges::any_of(node.inputs, [&](ValueId input) {
               return input != ValueId::none && is_other_real(graph.value(input).type);
           });
}

bool can_be_changed(const Graph& graph) {
    const auto is_made = [&](ValueId output) {
        return graph.producer(output) != NodeId::none && graph.value(output).type.has_value();
    };
    const auto is_tensor = [&](ValueId input) { return !graph.value(input).other; };
    return graph.local_functions.empty() && std::ranges::all_of(graph.inputs, is_tensor) &&
           std::ranges::all_of(graph.outputs, is_made) &&
           std::ranges::none_of(graph.nodes(), [&](NodeId id) { return graph::has_subgraph(graph.node(id)); });
}

/// Each element rounded once; the far ends of float64 stand for "lowest" and "highest", and stay finite.
Tensor as_float32(const Tensor& tensor) {
    constexpr double kLargest = std::numeric_limits<float>::max();
    std::vector<float> out;
    out.reserve(static_cast<size_t>(tensor.elements()));
    for (const double x : to_doubles(tensor))
        out.push_back(static_cast<float>(std::isfinite(x) ? std::clamp(x, -kLargest, kLargest) : x));
    return Tensor::of<float>(tensor.dims(), out);
}

void change_attributes(graph::Node& node) {
    for (auto& [name, attribute] : node.attributes) {
        if (auto* const tensor = std::get_if<Tensor>(&attribute); tensor != nullptr && is_other_real(tensor->type()))
            *tensor = as_float32(*tensor);
        const bool is_type = name == "to" || name == "dtype" || name == "output_dtype";
        if (auto* const type = std::get_if<int64_t>(&attribute);
            is_type && type != nullptr && is_other_real(from_onnx(*type)))
            *type = to_onnx(DataType::float32);
    }
}

NodeId add_cast(Graph& graph, ValueId from, ValueId to, DataType type) {
    graph::Node cast;
    cast.name = graph.unused_node_name(fmt::format("{}/Cast", graph.value(from).name));
    cast.op = "Cast";
    cast.inputs = {from};
    cast.outputs = {to};
    cast.attributes["to"] = int64_t{to_onnx(type)};
    return graph.add_node(std::move(cast));
}

ValueId add_beside(Graph& graph, ValueId of, DataType type) {
    const graph::Value like = graph.value(of);  // a copy: add_value may move it
    return graph.add_value(graph.unused_value_name(fmt::format("{}/{}", like.name, name_of(type))), type, like.dims);
}

void cast_input(Graph& graph, ValueId input) {
    const ValueId inner = add_beside(graph, input, DataType::float32);
    graph.replace_uses(input, inner);
    add_cast(graph, input, inner, DataType::float32);
}

/// The output's value becomes an inner one; what the Cast makes takes its name.
void cast_output(Graph& graph, ValueId inner) {
    const DataType type = *graph.value(inner).type;
    const std::vector<NodeId> readers = graph.readers(inner);
    const ValueId output = add_beside(graph, inner, type);
    const NodeId cast = add_cast(graph, inner, output, type);
    graph.replace_uses(inner, output);
    graph.set_input(cast, 0, inner);
    for (const NodeId reader : readers)
        for (size_t i = 0; i < graph.node(reader).inputs.size(); ++i)
            if (graph.input(reader, i) == output) graph.set_input(reader, i, inner);
    graph.value(inner).type = DataType::float32;
}

}  // namespace

void compute_in_float32(Graph& graph) {
    const auto of_other_reals = [&](NodeId id) { return is_layer_of_other_reals(graph, id); };
    if (std::ranges::none_of(graph.nodes(), of_other_reals) || !can_be_changed(graph)) return;
    for (const NodeId id : graph.nodes()) change_attributes(graph.node(id));
    const std::vector<ValueId> inputs = graph.inputs, outputs = graph.outputs;
    for (const ValueId id : graph.values()) {
        graph::Value& value = graph.value(id);
        if (value.constant && is_other_real(value.constant->type())) value.constant = as_float32(*value.constant);
        const bool is_port =
            std::ranges::find(inputs, id) != inputs.end() || std::ranges::find(outputs, id) != outputs.end();
        if (is_other_real(value.type) && !is_port) value.type = DataType::float32;
    }
    for (const ValueId input : inputs)
        if (is_other_real(graph.value(input).type)) cast_input(graph, input);
    for (const ValueId output : outputs)
        if (is_other_real(graph.value(output).type)) cast_output(graph, output);
    graph.sort();
}

}  // namespace calotype::onnx
