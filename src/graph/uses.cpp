// Who reads a value, and how reads are moved to another.
#include <algorithm>

#include "graph/graph.hpp"
#include "graph/ids.hpp"

namespace calotype::graph {

std::vector<NodeId> Graph::readers(ValueId id) const {
    std::vector<NodeId> found;
    for (const NodeId reader : readers_[at(id)]) {
        // Inputs are a public field of the node: a direct change may have left this entry behind.
        const auto& in = node(reader).inputs;
        if (alive(reader) && std::find(in.begin(), in.end(), id) != in.end()) found.push_back(reader);
    }
    return found;
}

int64_t Graph::uses(ValueId id, int64_t enough) const {
    int64_t count = std::count(outputs.begin(), outputs.end(), id);
    if (const auto inside = captured_.find(value(id).name); inside != captured_.end()) count += inside->second;
    for (const NodeId reader : readers_[at(id)]) {
        if (count >= enough) break;
        if (!alive(reader)) continue;
        const auto& in = node(reader).inputs;
        count += std::count(in.begin(), in.end(), id);
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

bool Graph::remove_dead() {
    bool any = false;
    const std::vector<NodeId>& all = nodes();
    for (size_t i = all.size(); i-- > 0;) {
        const NodeId id = all[i];
        const auto& out = node(id).outputs;
        const bool read =
            std::any_of(out.begin(), out.end(), [this](ValueId v) { return v != ValueId::none && uses(v, 1) > 0; });
        if (read) continue;
        remove_node(id);
        any = true;
    }
    if (any) settle();
    return any;
}

}  // namespace calotype::graph
