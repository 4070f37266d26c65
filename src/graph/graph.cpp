#include "graph/graph.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <queue>
#include <set>

#include "base/error.hpp"

namespace calotype::graph {
namespace {

size_t at(ValueId id) { return static_cast<size_t>(id); }
size_t at(NodeId id) { return static_cast<size_t>(id); }

template <class Used>
std::string unused_name(std::string_view base, const Used& used) {
    std::string name(base);
    for (int64_t suffix = 1; used(name); ++suffix) name = fmt::format("{}_{}", base, suffix);
    return name;
}

/// A cycle, in the order of the data from its first node of the file on, that `stuck` waits for: every waiting node
/// waits for another one, so going back from producer to producer must come round.
std::vector<NodeId> cycle_behind(NodeId stuck, const std::vector<std::set<NodeId>>& before,
                                 const std::vector<size_t>& waiting) {
    std::vector<NodeId> way;
    std::vector<bool> seen(before.size(), false);
    for (NodeId id = stuck; !seen[at(id)];) {
        seen[at(id)] = true;
        way.push_back(id);
        const auto& makers = before[at(id)];
        id = *std::find_if(makers.begin(), makers.end(), [&](NodeId maker) { return waiting[at(maker)] > 0; });
        if (seen[at(id)]) way.erase(way.begin(), std::find(way.begin(), way.end(), id));
    }
    std::reverse(way.begin(), way.end());
    std::rotate(way.begin(), std::min_element(way.begin(), way.end()), way.end());
    return way;
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
    for (const NodeId id : order_) {
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
    return unused_name(base, [this](const std::string& candidate) { return by_name_.contains(candidate); });
}

std::string Graph::unused_node_name(std::string_view base) const {
    return unused_name(base, [this](const std::string& candidate) { return node_names_.contains(candidate); });
}

NodeId Graph::add_node(Node node) {
    const NodeId id = store(std::move(node));
    order_.push_back(id);
    return id;
}

NodeId Graph::insert_node(Node node, NodeId before) {
    const NodeId id = store(std::move(node));
    order_.insert(std::find(order_.begin(), order_.end(), before), id);
    return id;
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
    if (!captured_names(node).empty()) with_subgraphs_.push_back(id);
    nodes_.push_back({std::move(node), true});
    return id;
}

Node& Graph::node(NodeId id) { return nodes_.at(at(id)).node; }
const Node& Graph::node(NodeId id) const { return nodes_.at(at(id)).node; }
bool Graph::alive(NodeId id) const { return id != NodeId::none && nodes_.at(at(id)).alive; }

void Graph::remove_node(NodeId id) {
    forget(id);
    std::erase(order_, id);
}

void Graph::forget(NodeId id) {
    CALOTYPE_ASSERT(alive(id), "a node is removed once");
    Node& gone = node(id);
    for (const ValueId output : gone.outputs) {
        if (output != ValueId::none) value(output).producer = NodeId::none;
    }
    for (const ValueId input : gone.inputs) {
        if (input != ValueId::none) readers_[at(input)].erase(id);
    }
    node_names_.erase(gone.name);
    nodes_[at(id)].alive = false;
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

std::vector<NodeId> Graph::readers(ValueId id) const {
    std::vector<NodeId> found;
    for (const NodeId reader : readers_[at(id)]) {
        // Inputs are a public field of the node: a direct change may have left this entry behind.
        const auto& in = node(reader).inputs;
        if (alive(reader) && std::find(in.begin(), in.end(), id) != in.end()) found.push_back(reader);
    }
    return found;
}

int64_t Graph::uses(ValueId id) const {
    int64_t count = std::count(outputs.begin(), outputs.end(), id);
    for (const NodeId reader : readers(id)) {
        const auto& in = node(reader).inputs;
        count += std::count(in.begin(), in.end(), id);
    }
    for (const NodeId other : with_subgraphs_) {
        if (!alive(other)) continue;
        const auto names = captured_names(node(other));
        count += std::count(names.begin(), names.end(), value(id).name);
    }
    return count;
}

bool Graph::is_output(ValueId id) const { return std::find(outputs.begin(), outputs.end(), id) != outputs.end(); }

void Graph::set_input(NodeId id, size_t index, ValueId to) {
    auto& in = node(id).inputs;
    if (index >= in.size()) in.resize(index + 1, ValueId::none);
    const ValueId from = in[index];
    in[index] = to;
    if (from != ValueId::none && std::find(in.begin(), in.end(), from) == in.end()) readers_[at(from)].erase(id);
    if (to != ValueId::none) readers_[at(to)].insert(id);
}

void Graph::replace_uses(ValueId from, ValueId to) {
    for (const NodeId reader : readers(from)) {
        const size_t count = node(reader).inputs.size();
        for (size_t i = 0; i < count; ++i) {
            if (node(reader).inputs[i] == from) set_input(reader, i, to);
        }
    }
    if (!is_output(from)) return;
    const bool takes_name =
        producer(to) != NodeId::none && !is_output(to) && std::find(inputs.begin(), inputs.end(), to) == inputs.end();
    if (takes_name) {
        std::swap(value(from).name, value(to).name);
        by_name_[value(from).name] = from;
        by_name_[value(to).name] = to;
        std::replace(outputs.begin(), outputs.end(), from, to);
        return;
    }
    // `from` keeps its name: an Identity writes it. Its old producer must let go of it first.
    const ValueId kept = add_value(unused_value_name(value(from).name), value(from).type, value(from).dims);
    std::swap(value(from).name, value(kept).name);
    by_name_[value(from).name] = from;
    by_name_[value(kept).name] = kept;
    std::replace(outputs.begin(), outputs.end(), from, kept);
    add_node({.name = unused_node_name("Identity"),
              .op = "Identity",
              .domain = "",
              .inputs = {to},
              .outputs = {kept},
              .attributes = {},
              .sources = {}});
}

void Graph::refuse_cycle(const std::vector<NodeId>& cycle) const {
    constexpr size_t kMostNames = 6;
    std::string way;
    for (size_t i = 0; i < std::min(cycle.size(), kMostNames); ++i) way += fmt::format("`{}` -> ", node(cycle[i]).name);
    if (cycle.size() > kMostNames) way += "... -> ";
    throw Error({"GRAPH_CYCLE", fmt::format("node `{}` ({})", node(cycle[0]).name, node(cycle[0]).op),
                 fmt::format("it waits for its own result: {}`{}` is a cycle", way, node(cycle[0]).name),
                 "export the model again"});
}

void Graph::reorder(std::vector<NodeId> order) {
    CALOTYPE_ASSERT(order.size() == order_.size(), "the same nodes stand in another order");
    order_ = std::move(order);
}

void Graph::sort() {
    std::vector<int64_t> rank(nodes_.size(), 0);  // the file's order breaks ties
    for (size_t i = 0; i < order_.size(); ++i) rank[at(order_[i])] = static_cast<int64_t>(i);
    std::vector<std::set<NodeId>> before(nodes_.size()), after(nodes_.size());
    for (const NodeId id : order_) {
        std::vector<ValueId> reads = node(id).inputs;
        for (const std::string& outer : captured_names(node(id))) {
            if (const auto found = find_value(outer)) reads.push_back(*found);
        }
        for (const ValueId read : reads) {
            const NodeId maker = producer(read);
            if (maker == NodeId::none) continue;
            before[at(id)].insert(maker);
            after[at(maker)].insert(id);
        }
    }
    using Entry = std::pair<int64_t, NodeId>;
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> ready;
    std::vector<size_t> waiting(nodes_.size(), 0);
    for (const NodeId id : order_) {
        waiting[at(id)] = before[at(id)].size();
        if (waiting[at(id)] == 0) ready.emplace(rank[at(id)], id);
    }
    std::vector<NodeId> sorted;
    while (!ready.empty()) {
        const NodeId id = ready.top().second;
        ready.pop();
        sorted.push_back(id);
        for (const NodeId next : after[at(id)]) {
            if (--waiting[at(next)] == 0) ready.emplace(rank[at(next)], next);
        }
    }
    if (sorted.size() < order_.size()) {
        const auto stuck = std::find_if(order_.begin(), order_.end(), [&](NodeId id) { return waiting[at(id)] > 0; });
        refuse_cycle(cycle_behind(*stuck, before, waiting));
    }
    order_ = std::move(sorted);
}

bool Graph::remove_dead() {
    bool any = false;
    for (size_t i = order_.size(); i-- > 0;) {
        const NodeId id = order_[i];
        const auto& out = node(id).outputs;
        const bool read =
            std::any_of(out.begin(), out.end(), [this](ValueId v) { return v != ValueId::none && uses(v) > 0; });
        if (read) continue;
        forget(id);
        any = true;
    }
    if (any) std::erase_if(order_, [this](NodeId id) { return !alive(id); });
    return any;
}

void Graph::validate() const {
    std::set<ValueId> made(inputs.begin(), inputs.end());
    const auto check = [&](ValueId id, std::string_view reader) {
        CALOTYPE_ASSERT(is_constant(id) || made.contains(id),
                        fmt::format("`{}`, read by `{}`, is made before", value(id).name, reader));
    };
    for (const NodeId id : order_) {
        const Node& one = node(id);
        for (const ValueId in : one.inputs) {
            if (in == ValueId::none) continue;
            check(in, one.name);
            CALOTYPE_ASSERT(readers_[at(in)].contains(id), fmt::format("`{}` is known to read its inputs", one.name));
        }
        for (const ValueId out : one.outputs) {
            if (out == ValueId::none) continue;
            CALOTYPE_ASSERT(producer(out) == id, fmt::format("`{}` is the one producer of its outputs", one.name));
            made.insert(out);
        }
    }
    for (const ValueId out : outputs) check(out, "the graph's outputs");
}

}  // namespace calotype::graph
