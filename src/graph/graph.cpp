// A graph's values and nodes: made, found, removed.
#include "graph/graph.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/error.hpp"
#include "graph/ids.hpp"

namespace calotype::graph {
namespace {

constexpr int64_t kMany = 16;  // fewer are found sooner than remembered

template <class Used, class Suffixes>
std::string unused_name(std::string_view base, Suffixes& suffixes, const Used& used) {
    std::string name(base);
    if (!used(name)) return name;
    const auto known = suffixes.find(base);
    int64_t suffix = known == suffixes.end() ? 1 : known->second;
    while (used(name = fmt::format("{}_{}", base, suffix))) ++suffix;
    if (known != suffixes.end())
        known->second = suffix;
    else if (suffix >= kMany)
        suffixes.emplace(base, suffix);
    return name;
}

}  // namespace

std::vector<std::string> captured_names(const Node& node) {
    std::vector<std::string> names;
    for (const auto& [name, attribute] : node.attributes) {
        if (const auto* subgraph = std::get_if<OpaqueGraph>(&attribute)) {
            names.insert(names.end(), subgraph->captured_values.begin(), subgraph->captured_values.end());
        }
    }
    return names;
}

ValueId Graph::add_value(std::string value_name, std::optional<DataType> type, std::optional<Dims> dims) {
    CALOTYPE_ASSERT(!by_name_.contains(value_name), "a value's name is unique");
    const auto id = static_cast<ValueId>(values_.size());
    by_name_.emplace(value_name, id);
    values_.push_back({.name = std::move(value_name),
                       .type = type,
                       .dims = std::move(dims),
                       .varies = false,
                       .other = {},
                       .symbols = {},
                       .constant = {},
                       .producer = NodeId::none});
    readers_.emplace_back();
    return id;
}

ValueId Graph::add_constant(std::string value_name, Tensor content) {
    const ValueId id = add_value(std::move(value_name), content.type(), content.dims());
    values_[at(id)].constant = std::move(content);
    return id;
}

Value& Graph::value(ValueId id) { return values_.at(at(id)); }
const Value& Graph::value(ValueId id) const { return values_.at(at(id)); }

std::optional<ValueId> Graph::find_value(std::string_view value_name) const {
    const auto found = by_name_.find(value_name);
    if (found == by_name_.end()) return std::nullopt;
    return found->second;
}

std::vector<ValueId> Graph::values() const {
    std::set<ValueId> used(inputs.begin(), inputs.end());
    used.insert(outputs.begin(), outputs.end());
    for (const NodeId id : nodes()) {
        const Node& one = node(id);
        used.insert(one.inputs.begin(), one.inputs.end());
        used.insert(one.outputs.begin(), one.outputs.end());
        for (const std::string& outer : captured_names(one)) {
            if (const auto found = find_value(outer)) used.insert(*found);
        }
    }
    used.erase(ValueId::none);
    return {used.begin(), used.end()};
}

std::string Graph::unused_value_name(std::string_view base) const {
    return unused_name(base, value_suffixes_,
                       [this](const std::string& candidate) { return by_name_.contains(candidate); });
}

std::string Graph::unused_node_name(std::string_view base) const {
    return unused_name(base, node_suffixes_,
                       [this](const std::string& candidate) { return node_names_.contains(candidate); });
}

NodeId Graph::add_node(Node node) {
    const NodeId id = store(std::move(node));
    order_.push_back(id);
    return id;
}

NodeId Graph::insert_node(Node node, NodeId before) {
    if (!alive(before)) return add_node(std::move(node));
    const NodeId id = store(std::move(node));
    inserted_[before].push_back(id);
    unsettled_ = true;
    return id;
}

void Graph::settle() const {
    std::vector<NodeId> order;
    order.reserve(order_.size() + inserted_.size());
    std::vector<NodeId> next;  // the last first
    for (const NodeId known : order_) {
        next.push_back(known);
        while (!next.empty()) {
            const NodeId id = next.back();
            if (const auto before = inserted_.extract(id); !before.empty()) {
                next.insert(next.end(), before.mapped().rbegin(), before.mapped().rend());
                continue;
            }
            next.pop_back();
            if (alive(id)) order.push_back(id);
        }
    }
    order_ = std::move(order);
    unsettled_ = false;
}

NodeId Graph::store(Node node) {
    const auto id = static_cast<NodeId>(nodes_.size());
    if (node.name.empty()) node.name = unused_node_name(node.op);
    CALOTYPE_ASSERT(node_names_.insert(node.name).second, "a node's name is unique");
    if (node.sources.empty()) node.sources = {node.name};
    for (const ValueId output : node.outputs) {
        if (output == ValueId::none) continue;
        CALOTYPE_ASSERT(value(output).producer == NodeId::none, "a value has one producer");
        value(output).producer = id;
    }
    for (const ValueId input : node.inputs) {
        if (input != ValueId::none) readers_[at(input)].insert(id);
    }
    for (std::string& outer : captured_names(node)) ++captured_[std::move(outer)];
    nodes_.push_back({std::move(node), true});
    return id;
}

Node& Graph::node(NodeId id) { return nodes_.at(at(id)).node; }
const Node& Graph::node(NodeId id) const { return nodes_.at(at(id)).node; }
bool Graph::alive(NodeId id) const { return id != NodeId::none && nodes_.at(at(id)).alive; }

void Graph::remove_node(NodeId id) {
    CALOTYPE_ASSERT(alive(id), "a node is removed once");
    Node& gone = node(id);
    for (const ValueId output : gone.outputs) {
        if (output != ValueId::none) value(output).producer = NodeId::none;
    }
    for (const ValueId input : gone.inputs) {
        if (input != ValueId::none) readers_[at(input)].erase(id);
    }
    for (const std::string& outer : captured_names(gone)) --captured_[outer];
    free_node_name(gone.name);
    gone.attributes.clear();  // they may be what the file is long for
    gone.sources.clear();
    nodes_[at(id)].alive = false;
    unsettled_ = true;
}

void Graph::free_node_name(const std::string& name) {
    node_names_.erase(name);
    const size_t cut = name.rfind('_');
    if (cut == std::string::npos) return;
    const auto known = node_suffixes_.find(std::string_view(name).substr(0, cut));
    if (known == node_suffixes_.end()) return;
    int64_t suffix = 0;
    const auto [end, fault] = std::from_chars(name.data() + cut + 1, name.data() + name.size(), suffix);
    if (fault == std::errc() && suffix > 0) known->second = std::min(known->second, suffix);
}

ValueId Graph::input(NodeId id, size_t index) const {
    const auto& all = node(id).inputs;
    return index < all.size() ? all[index] : ValueId::none;
}

ValueId Graph::output(NodeId id, size_t index) const {
    const auto& all = node(id).outputs;
    return index < all.size() ? all[index] : ValueId::none;
}

NodeId Graph::producer(ValueId id) const { return id == ValueId::none ? NodeId::none : value(id).producer; }

}  // namespace calotype::graph
