#include "view/activation_nodes.hpp"

#include <cmath>

namespace calotype::view {
namespace {

ValueId clamp(Builder& builder, const std::string& name, ValueId x, const npu::Activation& activation) {
    const auto bound = [&](const char* suffix, float value) {
        return std::isfinite(value) ? builder.floats(name + suffix, {}, {value}) : ValueId::none;
    };
    if (activation.lo == 0 && std::isinf(activation.hi)) return builder.node("Relu", name + "/Relu", {x});
    const ValueId lo = bound("/lo", activation.lo), hi = bound("/hi", activation.hi);
    if (lo == ValueId::none && hi == ValueId::none) return x;
    std::vector<ValueId> inputs{x, lo};
    if (hi != ValueId::none) inputs.push_back(hi);
    return builder.node("Clip", name + "/Clip", std::move(inputs));
}

ValueId silu(Builder& builder, const std::string& name, ValueId x, float alpha) {
    ValueId scaled = x;
    if (alpha != 1) scaled = builder.node("Mul", name + "/alpha", {x, builder.floats(name + "/alpha", {}, {alpha})});
    return builder.node("Mul", name + "/Mul", {x, builder.node("Sigmoid", name + "/Sigmoid", {scaled})});
}

}  // namespace

ValueId add_activation(Builder& builder, const std::string& name, ValueId x, const npu::Activation& activation) {
    using npu::ActivationKind;
    const auto plain = [&](const char* op, std::map<std::string, graph::Attribute> attributes = {}) {
        return builder.node(op, name + "/" + op, {x}, std::move(attributes));
    };
    switch (activation.kind) {
        case ActivationKind::none:
            return x;
        case ActivationKind::clamp:
            return clamp(builder, name, x, activation);
        case ActivationKind::leaky_relu:
        case ActivationKind::prelu:  // one parameter for all maps
            return plain("LeakyRelu", {{"alpha", activation.alpha}});
        case ActivationKind::sigmoid:
            return plain("Sigmoid");
        case ActivationKind::silu:
            return silu(builder, name, x, activation.alpha);
        case ActivationKind::hard_swish:
            return plain("HardSwish");
        case ActivationKind::hard_sigmoid:
            return plain("HardSigmoid", {{"alpha", activation.alpha}, {"beta", activation.beta}});
        case ActivationKind::tanh:
            return plain("Tanh");
        case ActivationKind::gelu_erf:
            return plain("Gelu");
        case ActivationKind::gelu_tanh:
            return plain("Gelu", {{"approximate", std::string("tanh")}});
        case ActivationKind::mish:
            return plain("Mish");
        case ActivationKind::softplus:
            return plain("Softplus");
        case ActivationKind::elu:
            return plain("Elu", {{"alpha", activation.alpha}});
    }
    CALOTYPE_ASSERT(false, "every activation has a view");
}

}  // namespace calotype::view
