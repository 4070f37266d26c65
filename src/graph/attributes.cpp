#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "graph/graph.hpp"

namespace calotype::graph {
namespace {

constexpr std::array<std::string_view, 8> kTypeNames = {"int",  "float",  "string",  "tensor",
                                                        "ints", "floats", "strings", "graph"};

template <class T>
T attribute_or(const Node& node, std::string_view name, T absent) {
    const auto found = node.attributes.find(std::string(name));
    if (found == node.attributes.end()) return absent;
    if (const T* held = std::get_if<T>(&found->second)) return *held;
    throw Error({"NODE_ATTRIBUTE", fmt::format("node `{}` ({})", node.name, node.op),
                 fmt::format("attribute `{}` is of type {}, needed is {}", name, kTypeNames[found->second.index()],
                             kTypeNames[Attribute(T{}).index()]),
                 "export the model again"});
}

std::string shown(const Graph& graph, ValueId id) {
    if (id == ValueId::none) return "-";
    const Value& value = graph.value(id);
    const std::string type(value.type ? name_of(*value.type) : "?");
    std::string text = fmt::format("{}:{}{}", value.name, type, value.dims ? to_string(*value.dims) : "?");
    if (value.constant && value.constant->elements() <= 16 && value.constant->type() != DataType::string) {
        text += fmt::format("={{{}}}", fmt::join(to_doubles(*value.constant), ","));
    } else if (value.constant) {
        text += "=const";
    }
    return text;
}

std::string shown(const Attribute& attribute) {
    struct Print {
        std::string operator()(int64_t v) const { return std::to_string(v); }
        std::string operator()(float v) const { return fmt::format("{}", v); }
        std::string operator()(const std::string& v) const { return fmt::format("\"{}\"", v); }
        std::string operator()(const Tensor& v) const { return "tensor" + to_string(v.dims()); }
        std::string operator()(const std::vector<int64_t>& v) const { return to_string(v); }
        std::string operator()(const std::vector<float>& v) const { return fmt::format("[{}]", fmt::join(v, ", ")); }
        std::string operator()(const std::vector<std::string>& v) const {
            return fmt::format("[{}]", fmt::join(v, ", "));
        }
        std::string operator()(const OpaqueGraph& v) const { return fmt::format("graph({} bytes)", v.bytes.size()); }
    };
    return std::visit(Print{}, attribute);
}

}  // namespace

int64_t int_attribute(const Node& node, std::string_view name, int64_t absent) {
    return attribute_or<int64_t>(node, name, absent);
}
float float_attribute(const Node& node, std::string_view name, float absent) {
    return attribute_or<float>(node, name, absent);
}
std::string string_attribute(const Node& node, std::string_view name, std::string_view absent) {
    return attribute_or<std::string>(node, name, std::string(absent));
}
std::vector<int64_t> ints_attribute(const Node& node, std::string_view name, std::vector<int64_t> absent) {
    return attribute_or<std::vector<int64_t>>(node, name, std::move(absent));
}

bool has_subgraph(const Node& node) {
    return std::ranges::any_of(
        node.attributes, [](const auto& attribute) { return std::holds_alternative<OpaqueGraph>(attribute.second); });
}

bool is_random(const Node& node) {
    constexpr std::array<std::string_view, 6> kRandom = {"RandomNormal",      "RandomUniform", "RandomNormalLike",
                                                         "RandomUniformLike", "Multinomial",   "Bernoulli"};
    const auto random = [&](std::string_view op) { return std::ranges::find(kRandom, op) != kRandom.end(); };
    if (node.domain.empty() && random(node.op)) return true;
    return std::ranges::any_of(node.attributes, [&](const auto& attribute) {
        const auto* body = std::get_if<OpaqueGraph>(&attribute.second);
        return body != nullptr && std::ranges::any_of(body->operators, random);
    });
}

std::optional<Dims> stated_dims(const Value& value) {
    return value.varies && value.dims ? Dims(value.dims->size(), -1) : value.dims;
}

std::optional<Dims> concrete_dims(const Graph& graph, ValueId id) {
    const auto& dims = graph.value(id).dims;
    if (!dims || graph.value(id).varies) return std::nullopt;
    for (const int64_t dim : *dims) {
        if (dim < 0) return std::nullopt;
    }
    return dims;
}

std::string to_text(const Graph& graph) {
    std::string text = fmt::format("graph `{}` opset {}\n", graph.name, graph.opset);
    for (const ValueId id : graph.inputs) text += fmt::format("in  {}\n", shown(graph, id));
    int64_t number = 0;
    for (const NodeId id : graph.nodes()) {
        const Node& node = graph.node(id);
        text += fmt::format("{:4} {}", number++, node.domain.empty() ? node.op : node.domain + "." + node.op);
        for (const auto& [name, attribute] : node.attributes) text += fmt::format(" {}={}", name, shown(attribute));
        text += " (";
        for (const ValueId in : node.inputs) text += " " + shown(graph, in);
        text += " ) ->";
        for (const ValueId out : node.outputs) text += " " + shown(graph, out);
        text += fmt::format("  # {}\n", node.name);
    }
    for (const ValueId id : graph.outputs) text += fmt::format("out {}\n", shown(graph, id));
    return text;
}

}  // namespace calotype::graph
