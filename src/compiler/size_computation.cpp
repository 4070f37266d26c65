#include "compiler/size_computation.hpp"

#include <algorithm>
#include <array>
#include <queue>
#include <set>

#include "observe/constant_nodes.hpp"

namespace calotype::compiler {
namespace {

using graph::Graph;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

constexpr int64_t kMostNodes = 100;  // of a computation: what exporters write takes ten

bool measures(const Node& node) { return node.op == "Shape" || node.op == "Size"; }

/// Copies nodes of the file and the constants they read, the last one's output standing for `result`; `copies` has what they
/// read besides. In front of `before`, where it is given.
ValueId copy_nodes(const Graph& file, const std::vector<NodeId>& nodes, std::map<ValueId, ValueId> copies,
                   ValueId result, Graph& to, NodeId before = NodeId::none) {
    const std::string prefix = before == NodeId::none ? "" : to.node(before).name + "/";
    const auto copy = [&](ValueId value) {
        if (value == ValueId::none) return value;
        const auto [known, fresh] = copies.try_emplace(value, ValueId::none);
        if (fresh) {
            const graph::Value& constant = file.value(value);
            known->second = to.add_constant(to.unused_value_name(prefix + constant.name), constant.constant.value());
        }
        return known->second;
    };
    for (const NodeId id : nodes) {
        Node node = file.node(id);
        node.name = to.unused_node_name(prefix + node.name);
        if (before != NodeId::none) node.sources = to.node(before).sources;
        for (ValueId& input : node.inputs) input = copy(input);
        for (ValueId& output : node.outputs) {
            if (output == ValueId::none) continue;
            const ValueId made = to.add_value(to.unused_value_name(prefix + file.value(output).name));
            copies[output] = made;
            output = made;
        }
        if (before == NodeId::none)
            to.add_node(std::move(node));
        else
            to.insert_node(std::move(node), before);
    }
    return copies.at(result);
}

/// What a Shape or Size makes of a value of these dims.
Tensor shape_of(const Node& node, const Dims& dims) {
    if (node.op == "Size") return Tensor::of<int64_t>({}, std::array{element_count(dims)});
    const auto rank = static_cast<int64_t>(dims.size());
    const auto bound = [&](int64_t axis) { return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank); };
    const int64_t first = bound(graph::int_attribute(node, "start", 0));
    const int64_t last = std::max(first, bound(graph::int_attribute(node, "end", rank)));
    const Dims shape(dims.begin() + first, dims.begin() + last);
    return Tensor::of<int64_t>({last - first}, std::span<const int64_t>(shape));
}

}  // namespace

std::optional<SizeComputation> computation_of(const Graph& file, ValueId value) {
    std::set<NodeId> nodes;
    SizeComputation made{value, {}, {}};
    std::queue<ValueId> left({value});
    for (; !left.empty(); left.pop()) {
        if (left.front() == ValueId::none || file.is_constant(left.front())) continue;
        const NodeId producer = file.producer(left.front());
        if (producer == NodeId::none) return {};
        if (!nodes.insert(producer).second) continue;
        const Node& node = file.node(producer);
        if (std::ssize(nodes) > kMostNodes || graph::has_subgraph(node) || !node.domain.empty()) return {};
        for (const ValueId input : node.inputs) measures(node) ? made.measured.push_back(input) : left.push(input);
    }
    if (made.measured.empty()) return {};
    std::ranges::copy_if(file.nodes(), std::back_inserter(made.nodes), [&](NodeId id) { return nodes.contains(id); });
    return made;
}

Tensor evaluated(const Graph& file, const SizeComputation& computation, const std::map<ValueId, Dims>& dims,
                 const ort::Library& library) {
    Graph scratch;
    scratch.opset = file.opset;
    std::map<ValueId, ValueId> copies;
    std::vector<NodeId> others;
    for (const NodeId id : computation.nodes) {
        const Node& node = file.node(id);
        if (measures(node))
            copies[node.outputs[0]] =
                scratch.add_constant(file.value(node.outputs[0]).name, shape_of(node, dims.at(node.inputs[0])));
        else
            others.push_back(id);
    }
    const ValueId made = copy_nodes(file, others, std::move(copies), computation.result, scratch);
    if (scratch.is_constant(made)) return *scratch.value(made).constant;
    return observe::run_constant_nodes(scratch, scratch.nodes(), library).at(scratch.value(made).name);
}

ValueId copied(const Graph& file, const SizeComputation& computation, std::map<ValueId, ValueId> measured, Graph& to,
               NodeId before) {
    return copy_nodes(file, computation.nodes, std::move(measured), computation.result, to, before);
}

NodeId node_of_file(const Graph& file, const std::vector<std::string>& sources, std::string_view op) {
    NodeId found = NodeId::none;
    for (const NodeId id : file.nodes()) {
        if (file.node(id).op != op || std::ranges::find(sources, file.node(id).name) == sources.end()) continue;
        if (found != NodeId::none) return NodeId::none;
        found = id;
    }
    return found;
}

}  // namespace calotype::compiler
