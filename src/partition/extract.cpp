#include <algorithm>
#include <set>

#include "partition/partition.hpp"

namespace calotype::partition {
namespace {

using graph::Graph;
using graph::Node;
using graph::NodeId;
using graph::Value;
using graph::ValueId;

/// Copies values on demand; what no copied node makes becomes an input or an initializer.
class Copy {
  public:
    Copy(const Graph& from, Graph& to) : from_(from), to_(to) {
        for (const ValueId input : from.inputs) {
            const Value& value = from.value(input);
            if (!value.symbols.empty() && !value.symbols.front().empty() && value.dims && !value.dims->empty())
                free_batch_ = value.dims->front();
        }
    }

    ValueId made(ValueId id) {
        if (id == ValueId::none) return id;
        if (const auto known = copies_.find(id); known != copies_.end()) return known->second;
        const Value& value = from_.value(id);
        copies_[id] = to_.add_value(value.name, value.type, graph::stated_dims(value));
        to_.value(copies_[id]).other = value.other;
        return copies_[id];
    }
    ValueId read(ValueId id) {
        if (id == ValueId::none || copies_.contains(id)) return made(id);
        const Value& value = from_.value(id);
        if (value.constant) return copies_[id] = to_.add_constant(value.name, *value.constant);
        const ValueId input = made(id);
        to_.inputs.push_back(input);
        free_batch(input);
        return input;
    }
    /// The model's batch is free: so is that of a part's inputs and outputs.
    void free_batch(ValueId id) {
        Value& value = to_.value(id);
        if (!free_batch_ || !value.dims || value.dims->empty() || value.dims->front() != *free_batch_) return;
        value.dims->front() = -1;
        value.symbols.assign(value.dims->size(), "");
        value.symbols.front() = "batch";
    }

  private:
    const Graph& from_;
    Graph& to_;
    std::map<ValueId, ValueId> copies_;
    std::optional<int64_t> free_batch_;
};

/// Names that subgraph attributes of the other nodes read.
std::set<std::string> captured_outside(const Graph& graph, const std::set<NodeId>& inside) {
    std::set<std::string> names;
    for (const NodeId id : graph.nodes())
        if (!inside.contains(id))
            for (std::string& name : graph::captured_names(graph.node(id))) names.insert(std::move(name));
    return names;
}

bool read_outside(const Graph& graph, ValueId value, const std::set<NodeId>& inside,
                  const std::set<std::string>& captured) {
    if (graph.is_output(value) || captured.contains(graph.value(value).name)) return true;
    const auto readers = graph.readers(value);
    return std::any_of(readers.begin(), readers.end(), [&](NodeId reader) { return !inside.contains(reader); });
}

}  // namespace

Graph extract(const Graph& graph, const std::vector<NodeId>& nodes, std::string name) {
    Graph part;
    part.name = std::move(name);
    part.opset = graph.opset;
    part.other_opsets = graph.other_opsets;
    part.local_functions = graph.local_functions;
    const std::set<NodeId> inside(nodes.begin(), nodes.end());
    const std::set<std::string> captured = captured_outside(graph, inside);
    Copy copy(graph, part);
    for (const NodeId id : nodes) {
        Node node = graph.node(id);
        for (const std::string& outer : graph::captured_names(node))
            if (const auto value = graph.find_value(outer)) copy.read(*value);
        for (ValueId& input : node.inputs) input = copy.read(input);
        for (ValueId& output : node.outputs) output = copy.made(output);
        part.add_node(std::move(node));
    }
    for (const NodeId id : nodes)
        for (const ValueId output : graph.node(id).outputs) {
            if (output == ValueId::none || !read_outside(graph, output, inside, captured)) continue;
            part.outputs.push_back(copy.made(output));
            copy.free_batch(part.outputs.back());
        }
    return part;
}

}  // namespace calotype::partition
