#include "lower/activations.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace calotype::lower {
namespace {

using graph::Graph;
using graph::Node;
using graph::NodeId;
using graph::ValueId;
using npu::Activation;
using npu::ActivationKind;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// The one value all elements of a constant have.
std::optional<float> scalar(const Graph& graph, ValueId id) {
    if (!graph.is_constant(id)) return std::nullopt;
    const Tensor& tensor = *graph.value(id).constant;
    if (tensor.type() != DataType::float32 || tensor.elements() == 0) return std::nullopt;
    const auto elements = tensor.values<float>();
    if (std::any_of(elements.begin(), elements.end(), [&](float e) { return e != elements[0]; })) return std::nullopt;
    return elements[0];
}

Activation clamp(float lo, float hi) {
    return {.kind = ActivationKind::clamp, .lo = lo, .hi = hi, .alpha = 0, .beta = 0};
}
Activation plain(ActivationKind kind, float alpha = 0, float beta = 0) {
    return {.kind = kind, .lo = 0, .hi = 0, .alpha = alpha, .beta = beta};
}

std::optional<Activation> clip(const Graph& graph, NodeId id) {
    const Node& node = graph.node(id);
    float bounds[2] = {graph::float_attribute(node, "min", -kInfinity), graph::float_attribute(node, "max", kInfinity)};
    for (size_t i = 0; i < 2; ++i) {
        if (graph.input(id, i + 1) == ValueId::none) continue;
        const auto bound = scalar(graph, graph.input(id, i + 1));
        if (!bound || std::isnan(*bound)) return std::nullopt;
        bounds[i] = *bound;
    }
    if (bounds[0] > bounds[1]) return std::nullopt;
    return clamp(bounds[0], bounds[1]);
}

std::optional<Activation> of_unary(const Graph& graph, NodeId id) {
    const Node& node = graph.node(id);
    const auto attribute = [&](std::string_view name, float absent) {
        return graph::float_attribute(node, name, absent);
    };
    if (node.op == "Relu") return clamp(0, kInfinity);
    if (node.op == "Clip") return clip(graph, id);
    if (node.op == "LeakyRelu") return plain(ActivationKind::leaky_relu, attribute("alpha", 0.01F));
    if (node.op == "Sigmoid") return plain(ActivationKind::sigmoid);
    if (node.op == "HardSigmoid")
        return plain(ActivationKind::hard_sigmoid, attribute("alpha", 0.2F), attribute("beta", 0.5F));
    if (node.op == "HardSwish") return plain(ActivationKind::hard_swish);
    if (node.op == "Tanh") return plain(ActivationKind::tanh);
    if (node.op == "Mish") return plain(ActivationKind::mish);
    if (node.op == "Softplus") return plain(ActivationKind::softplus);
    if (node.op == "Elu") return plain(ActivationKind::elu, attribute("alpha", 1));
    if (node.op == "Swish") return plain(ActivationKind::silu, attribute("alpha", 1));
    if (node.op == "Gelu") {
        const bool tanh = graph::string_attribute(node, "approximate", "none") == "tanh";
        return plain(tanh ? ActivationKind::gelu_tanh : ActivationKind::gelu_erf);
    }
    if (node.op == "PRelu") {
        const auto slope = scalar(graph, graph.input(id, 1));
        if (slope) return plain(ActivationKind::prelu, *slope);
    }
    return std::nullopt;
}

std::optional<ActivationMatch> min_or_max(const Graph& graph, NodeId id) {
    const Node& node = graph.node(id);
    if ((node.op != "Min" && node.op != "Max") || node.inputs.size() != 2) return std::nullopt;
    for (size_t i = 0; i < 2; ++i) {
        const auto bound = scalar(graph, node.inputs[i]);
        if (bound && !graph.is_constant(node.inputs[1 - i]))
            return ActivationMatch{
                node.inputs[1 - i], node.op == "Min" ? clamp(-kInfinity, *bound) : clamp(*bound, kInfinity), {id}};
    }
    return std::nullopt;
}

/// The node that makes the value, if it is of this kind and the value has one reader.
NodeId inner(const Graph& graph, ValueId value, std::string_view op) {
    const NodeId id = value == ValueId::none ? NodeId::none : graph.producer(value);
    if (id == NodeId::none || graph.node(id).op != op || !graph.node(id).domain.empty() || graph.uses(value) != 1)
        return NodeId::none;
    return id;
}

/// x * Sigmoid(alpha * x), x * Tanh(Softplus(x)): ONNX has no node for the first before opset 24. HardSwish and Gelu
/// are nodes when they come here (optimize).
std::optional<ActivationMatch> gated(const Graph& graph, NodeId id) {
    const Node& node = graph.node(id);
    if (node.op != "Mul") return std::nullopt;
    for (size_t i = 0; i < 2; ++i) {
        const ValueId x = node.inputs[i], gate = node.inputs[1 - i];
        if (const NodeId sigmoid = inner(graph, gate, "Sigmoid"); sigmoid != NodeId::none) {
            const ValueId gated_x = graph.input(sigmoid, 0);
            if (gated_x == x) return ActivationMatch{x, plain(ActivationKind::silu, 1), {sigmoid, id}};
            const NodeId scaled = inner(graph, gated_x, "Mul");  // x * Sigmoid(alpha * x)
            for (size_t k = 0; scaled != NodeId::none && k < 2; ++k)
                if (const auto alpha = scalar(graph, graph.input(scaled, k)); alpha && graph.input(scaled, 1 - k) == x)
                    return ActivationMatch{x, plain(ActivationKind::silu, *alpha), {scaled, sigmoid, id}};
        }
        if (const NodeId tanh = inner(graph, gate, "Tanh"); tanh != NodeId::none) {
            const NodeId softplus = inner(graph, graph.input(tanh, 0), "Softplus");
            if (softplus != NodeId::none && graph.input(softplus, 0) == x)
                return ActivationMatch{x, plain(ActivationKind::mish), {softplus, tanh, id}};
        }
    }
    return std::nullopt;
}

/// A table's output scale grows until no segment is steeper than one code a step: of what is so steep it would end as
/// infinity, and long before all its inputs but one are one code.
bool is_shallow(const Activation& activation) {
    constexpr float kSteepest = 1e6F;
    return std::abs(activation.alpha) <= kSteepest && std::abs(activation.beta) <= kSteepest;
}

}  // namespace

std::optional<ActivationMatch> match_activation(const Graph& graph, NodeId id) {
    if (!graph.node(id).domain.empty()) return std::nullopt;
    std::optional<ActivationMatch> match = gated(graph, id);
    if (!match) match = min_or_max(graph, id);
    if (!match)
        if (const auto activation = of_unary(graph, id)) match = {graph.input(id, 0), *activation, {id}};
    return match && is_shallow(match->activation) ? match : std::nullopt;
}

}  // namespace calotype::lower
