#include "observe/fold_sizes.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "observe/constant_nodes.hpp"
#include "observe/node_macs.hpp"

namespace calotype::observe {
namespace {

using graph::Graph;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

constexpr int64_t kFewElems = 1024;  // a list of sizes has one an axis; nodes on so few cost nothing

using Shapes = std::map<std::string, Dims, std::less<>>;  // those without a free dim

bool is_known(const ort::Info& output) {
    return std::ranges::none_of(output.dims, [](int64_t dim) { return dim < 0; });
}

Shapes known_shapes(const Graph& graph, const std::vector<ort::Info>& outputs) {
    Shapes shapes;
    for (const ort::Info& output : outputs)
        if (output.is_tensor() && is_known(output)) shapes[output.name] = output.dims;
    for (const ValueId id : graph.values())
        if (auto dims = graph::concrete_dims(graph, id)) shapes[graph.value(id).name] = std::move(*dims);
    return shapes;
}

bool is_read(const Graph& graph, ValueId id) { return id != ValueId::none && !graph.readers(id).empty(); }

/// For those who read it.
void make_constant(Graph& graph, ValueId id, Tensor value) {
    const std::string name = graph.unused_value_name(graph.value(id).name + "_size");
    const ValueId constant = graph.add_constant(name, std::move(value));
    for (const NodeId reader : graph.readers(id))
        for (size_t i = 0; i < graph.node(reader).inputs.size(); ++i)
            if (graph.input(reader, i) == id) graph.set_input(reader, i, constant);
}

Tensor shape_value(const Node& node, const Dims& dims) {
    const auto rank = static_cast<int64_t>(dims.size());
    const auto place = [&](int64_t axis) { return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank); };
    const int64_t first = place(graph::int_attribute(node, "start", 0));
    const int64_t last = std::max(first, place(graph::int_attribute(node, "end", rank)));
    const Dims shape(dims.begin() + first, dims.begin() + last);
    return Tensor::of<int64_t>({last - first}, std::span<const int64_t>(shape));
}

bool fold_shapes(Graph& graph, const Shapes& shapes) {
    bool any = false;
    for (const NodeId id : graph.nodes()) {
        const Node& node = graph.node(id);
        if (node.op != "Shape" || !node.domain.empty() || !is_read(graph, node.outputs[0])) continue;
        const auto dims = shapes.find(graph.value(node.inputs[0]).name);
        // ONNX Runtime gives no dims of a value whose rank it cannot infer, as of a scalar.
        if (dims == shapes.end() || dims->second.empty()) continue;
        make_constant(graph, node.outputs[0], shape_value(node, dims->second));
        any = true;
    }
    return any;
}

/// Nodes into which only constants and each other's values go, few numbers in and out.
std::vector<NodeId> small_nodes(const Graph& graph, const Shapes& shapes) {
    std::set<ValueId> made;
    const auto is_small = [&](ValueId id) {
        if (id == ValueId::none) return true;
        const auto dims = shapes.find(graph.value(id).name);
        return dims != shapes.end() && elements(dims->second) <= kFewElems;
    };
    const auto is_fixed = [&](ValueId id) { return id == ValueId::none || graph.is_constant(id) || made.contains(id); };
    std::vector<NodeId> nodes;
    for (const NodeId id : graph.nodes()) {
        const Node& node = graph.node(id);
        if (!node.domain.empty() || graph::is_random(node) || graph::has_subgraph(node)) continue;
        if (!std::ranges::all_of(node.outputs, is_small) || !std::ranges::all_of(node.inputs, is_small)) continue;
        if (!std::ranges::all_of(node.inputs, is_fixed)) continue;
        if (std::ranges::none_of(node.outputs, [&](ValueId out) { return is_read(graph, out); })) continue;
        nodes.push_back(id);
        made.insert(node.outputs.begin(), node.outputs.end());
    }
    return nodes;
}

}  // namespace

bool fold_sizes(Graph& graph, const ort::Library& library, const std::vector<ort::Info>& outputs) {
    if (std::ranges::all_of(outputs, is_known)) return false;
    bool any = fold_shapes(graph, known_shapes(graph, outputs));
    const std::vector<NodeId> nodes = small_nodes(graph, known_shapes(graph, outputs));
    if (!nodes.empty()) {
        for (auto& [name, value] : run_constant_nodes(graph, nodes, library)) {
            const ValueId id = graph.find_value(name).value();
            if (value.type() == DataType::string || !is_read(graph, id)) continue;
            make_constant(graph, id, std::move(value));
            any = true;
        }
    }
    return any;
}

}  // namespace calotype::observe
