// A Loop whose number of trips stands in the file and that nothing ends before: a few hundred bytes can ask for 2^63.
// What a Loop's own condition ends is known only at run time, and bounded there by the time limit.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "onnx/fields.hpp"
#include "onnx/read_parts.hpp"

namespace calotype::onnx {
namespace {

using graph::Graph;
using graph::Node;
using graph::ValueId;

/// The value of a body that `name` is: through Identity nodes.
std::string origin_of(const Model& body, const std::string& name) {
    std::map<std::string_view, std::string_view> copied;  // what an Identity makes -> what it reads
    for (const NamedNode& one : body.nodes)
        if (one.node.op == "Identity" && one.inputs.size() == 1 && !one.outputs.empty())
            copied.emplace(one.outputs[0], one.inputs[0]);
    std::string_view value = name;
    for (size_t steps = 0; steps <= body.nodes.size(); ++steps) {
        const auto from = copied.find(value);
        if (from == copied.end()) break;
        value = from->second;
    }
    return std::string(value);
}

bool is_constant(const Model& body, const std::string& name) {
    return std::ranges::any_of(body.initializers, [&](const NamedTensor& one) { return one.name == name; }) ||
           std::ranges::any_of(body.nodes, [&](const NamedNode& one) {
               return one.node.op == "Constant" && !one.outputs.empty() && one.outputs[0] == name;
           });
}

/// Whether the body's condition is its input's or a constant: nothing inside ends the loop.
bool never_ends_itself(const graph::OpaqueGraph& bytes) {
    const Model body = read_graph_alone(Message(std::as_bytes(std::span(bytes.bytes)), "GraphProto"));
    if (body.outputs.empty()) return false;  // ONNX Runtime says what is wrong with it
    const std::string condition = origin_of(body, body.outputs[0].name);
    return is_constant(body, condition) || (body.inputs.size() > 1 && body.inputs[1].name == condition);
}

constexpr int64_t kNoCount = INT64_MAX;  // how exporters write it

/// The trips that the file states: nothing where the run says it.
std::optional<int64_t> stated_trips(const Graph& graph, const Node& node) {
    const ValueId count = node.inputs.empty() ? ValueId::none : node.inputs[0];
    if (count == ValueId::none) return kNoCount;
    const graph::Value& value = graph.value(count);
    if (!value.constant || value.constant->type() != DataType::int64 || value.constant->elements() != 1) return {};
    return value.constant->values<int64_t>()[0];
}

/// False only where the file says that the loop is not even entered, or where the run says it.
bool surely_entered(const Graph& graph, const Node& node) {
    const ValueId condition = node.inputs.size() > 1 ? node.inputs[1] : ValueId::none;
    if (condition == ValueId::none) return true;
    const graph::Value& value = graph.value(condition);
    return value.constant && value.constant->elements() == 1 && value.constant->bytes()[0] != std::byte{0};
}

}  // namespace

void refuse_endless_loops(const Graph& graph, const Limits& limits) {
    for (const graph::NodeId id : graph.nodes()) {
        const Node& node = graph.node(id);
        if (node.op != "Loop" || !node.domain.empty() || !surely_entered(graph, node)) continue;
        const auto trips = stated_trips(graph, node);
        if (!trips || *trips <= limits.loop_trips) continue;
        const auto body = node.attributes.find("body");
        const auto* bytes = body == node.attributes.end() ? nullptr : std::get_if<graph::OpaqueGraph>(&body->second);
        if (bytes == nullptr || !never_ends_itself(*bytes)) continue;
        if (*trips == kNoCount) broken(subject_of(node), "it has no number of trips, and nothing ends it");
        beyond(&Limits::loop_trips, subject_of(node),
               fmt::format("it makes {} trips, at most {} are allowed", *trips, limits.loop_trips));
    }
}

}  // namespace calotype::onnx
