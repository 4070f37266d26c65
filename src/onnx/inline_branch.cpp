#include "onnx/inline_branch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "onnx/read_parts.hpp"

namespace calotype::onnx {
namespace {

using graph::Graph;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

/// The body as a graph whose inputs are what it reads from outside. Nothing where it gives a value twice.
std::optional<Graph> branch_graph(const Graph& outer, const graph::OpaqueGraph& body) {
    Model model = read_graph_alone(Message(std::as_bytes(std::span(body.bytes)), "GraphProto"));
    std::set<std::string> given;
    for (const ValueInfo& output : model.outputs)
        if (!given.insert(output.name).second) return std::nullopt;
    for (const std::string& name : body.captured_values) model.inputs.push_back({name, DataType::float32, {}, {}});
    model.opsets = outer.other_opsets;
    model.opsets[""] = outer.opset;
    Graph inner = link(std::move(model));
    inner.sort();
    return inner;
}

/// Names that graphs inside this one read from it: they are fixed in their bytes.
std::set<std::string> names_read_inside(const Graph& graph) {
    std::set<std::string> names;
    for (const NodeId id : graph.nodes())
        for (std::string& name : graph::captured_names(graph.node(id))) names.insert(std::move(name));
    return names;
}

bool makes(const Graph& graph, const std::string& name) {
    const auto found = graph.find_value(name);
    return found && (graph.is_constant(*found) || graph.producer(*found) != NodeId::none);
}

constexpr int64_t kMostCompared = int64_t{1} << 30;  // bytes: a second of search

/// Of the subgraphs that `is_taken` searches.
int64_t subgraph_bytes(const Graph& graph) {
    int64_t bytes = 0;
    for (const NodeId id : graph.nodes())
        for (const auto& [name, attribute] : graph.node(id).attributes)
            if (const auto* body = std::get_if<graph::OpaqueGraph>(&attribute))
                bytes += static_cast<int64_t>(body->bytes.size());
    return bytes;
}

/// Whether a value of the graph has the name, or one inside the subgraphs of other nodes may: ONNX Runtime refuses a
/// name inside that stands outside too.
bool is_taken(const Graph& graph, NodeId if_node, const std::string& name) {
    if (graph.find_value(name)) return true;
    return std::ranges::any_of(graph.nodes(), [&](NodeId id) {
        return id != if_node && std::ranges::any_of(graph.node(id).attributes, [&](const auto& attribute) {
                   const auto* body = std::get_if<graph::OpaqueGraph>(&attribute.second);
                   return body != nullptr && body->bytes.find(name) != std::string::npos;
               });
    });
}

/// Copies the values and nodes of `inner` to the end of `outer`.
class Copy {
  public:
    Copy(Graph& outer, const Graph& inner, std::string prefix, std::set<std::string> fixed)
        : outer_(outer), inner_(inner), prefix_(std::move(prefix)), fixed_(std::move(fixed)) {
        for (const ValueId id : inner.inputs) places_[id] = outer.find_value(inner.value(id).name).value();
    }

    void node(NodeId id) {
        Node copy = inner_.node(id);
        copy.name = outer_.unused_node_name(fmt::format("{}/{}", prefix_, copy.name));
        copy.sources = {copy.name};
        for (auto* values : {&copy.inputs, &copy.outputs})
            for (ValueId& value : *values) value = place_of(value);
        outer_.add_node(std::move(copy));
    }

    ValueId place_of(ValueId id) {
        if (id == ValueId::none) return id;
        const auto [place, first] = places_.try_emplace(id, ValueId::none);
        if (!first) return place->second;
        const graph::Value& value = inner_.value(id);
        const std::string name = fixed_.contains(value.name)
                                     ? value.name
                                     : outer_.unused_value_name(fmt::format("{}/{}", prefix_, value.name));
        place->second =
            value.constant ? outer_.add_constant(name, *value.constant) : outer_.add_value(name, value.type);
        outer_.value(place->second).other = value.other;
        return place->second;
    }

  private:
    Graph& outer_;
    const Graph& inner_;
    std::string prefix_;
    std::set<std::string> fixed_;
    std::map<ValueId, ValueId> places_;  // of the inner graph's values in the outer one
};

}  // namespace

bool inline_branch(Graph& graph, NodeId if_node, bool condition) {
    const Node node = graph.node(if_node);
    const auto attribute = node.attributes.find(condition ? "then_branch" : "else_branch");
    const auto* body =
        attribute == node.attributes.end() ? nullptr : std::get_if<graph::OpaqueGraph>(&attribute->second);
    const auto inner = body == nullptr ? std::nullopt : branch_graph(graph, *body);
    if (!inner || inner->outputs.size() < node.outputs.size()) return false;
    const std::set<std::string> fixed = names_read_inside(*inner);
    // So many names in so large subgraphs are nobody's: such an If stays ONNX Runtime's.
    if (!fixed.empty() && subgraph_bytes(graph) > kMostCompared / static_cast<int64_t>(fixed.size())) return false;
    for (const std::string& name : fixed)
        if (makes(*inner, name) && is_taken(graph, if_node, name)) return false;
    graph.remove_node(if_node);
    Copy copy(graph, *inner, node.name, fixed);
    for (const NodeId id : inner->nodes()) copy.node(id);
    for (size_t i = 0; i < node.outputs.size(); ++i) {
        if (node.outputs[i] == ValueId::none) continue;
        graph.add_node({.name = graph.unused_node_name(fmt::format("{}/output", node.name)),
                        .op = "Identity",
                        .domain = {},
                        .inputs = {copy.place_of(inner->outputs[i])},
                        .outputs = {node.outputs[i]},
                        .attributes = {},
                        .sources = {node.name}});
    }
    return true;
}

}  // namespace calotype::onnx
