// What stands before a QuantizeLinear, so that ONNX Runtime rounds as the NPU does: one flipped code early in a network
// of many layers can change as many outputs as the whole quantization does. The codes are the NPU's, every one: of a
// sum as long as float32 knows it to half a unit, of an input and an Add always.

#include "view/rounding.hpp"

#include <algorithm>
#include <cmath>

#include "npu/arithmetic.hpp"
#include "npu/fixed_point.hpp"
#include "view/functions.hpp"
#include "view/weights.hpp"

namespace calotype::view {
namespace {

/// One value, or one a channel as it broadcasts over [N, C, ...] of a tensor of that rank per sample.
ValueId spread(Builder& builder, const std::string& name, const std::vector<float>& values, size_t rank) {
    Dims dims;
    if (values.size() > 1) {
        dims.assign(rank, 1);
        dims.front() = static_cast<int64_t>(values.size());
    }
    return builder.floats(name, dims, values);
}

struct Stage {
    Builder& builder;
    const npu::Network& network;
    const npu::Layer& layer;

    const npu::CodeTensor& tensor(npu::TensorId id) const { return network.tensors.at(static_cast<size_t>(id)); }
    const npu::Quantization& input(size_t i) const { return tensor(layer.inputs.at(i)).quantization; }
    const npu::CodeTensor& output() const { return tensor(layer.output); }
    ValueId factors(const char* name, const std::vector<float>& values) const {
        return spread(builder, layer.name + "/" + name, values, output().shape.size());
    }
    std::vector<double> products_of_scales() const {
        std::vector<double> steps(std::max(input(0).scale.size(), input(1).scale.size()));
        for (size_t c = 0; c < steps.size(); ++c) {
            const auto channel = static_cast<int64_t>(c);
            steps[c] = double{input(0).scale_of(channel)} * double{input(1).scale_of(channel)};
        }
        return steps;
    }
    std::vector<double> scales_of_a_mean(int64_t pixels) const {
        std::vector<double> steps(input(0).scale.begin(), input(0).scale.end());
        for (double& step : steps) step /= static_cast<double>(pixels);
        return steps;
    }
    /// The real value of one unit of the layer's sum: one, or one a channel.
    std::vector<double> steps() const {
        if (!layer.weight_scale.empty()) return npu::sum_scale(layer, input(0));
        if (std::holds_alternative<npu::Mul>(layer.attributes)) return products_of_scales();
        if (const auto* pool = std::get_if<npu::Pool>(&layer.attributes))
            return scales_of_a_mean(pool->global ? npu::as_map(tensor(layer.inputs[0]).shape).pixels()
                                                 : pool->window.taps());
        return scales_of_a_mean(1);
    }
    ValueId sum_step() const {
        std::vector<float> all;  // too small for float32 where a channel's weights are all but zero: its sum stays 0
        for (const double step : steps()) {
            const auto rounded = static_cast<float>(step);
            all.push_back(std::isnormal(rounded) ? rounded : 1);
        }
        return factors("sum_step", all);
    }
};

/// An activation's function in the view.
std::string function_name(npu::ActivationKind kind) {
    using npu::ActivationKind;
    switch (kind) {
        case ActivationKind::none:
        case ActivationKind::clamp: return "PiecewiseLinear";
        case ActivationKind::leaky_relu: return "LeakyRelu";
        case ActivationKind::prelu: return "PRelu";
        case ActivationKind::sigmoid: return "Sigmoid";
        case ActivationKind::silu: return "Silu";
        case ActivationKind::hard_swish: return "HardSwish";
        case ActivationKind::hard_sigmoid: return "HardSigmoid";
        case ActivationKind::tanh: return "Tanh";
        case ActivationKind::gelu_erf:
        case ActivationKind::gelu_tanh: return "Gelu";
        case ActivationKind::mish: return "Mish";
        case ActivationKind::softplus: return "Softplus";
        case ActivationKind::elu: return "Elu";
    }
    CALOTYPE_ASSERT(false, "every activation has a name in the view");
}

ValueId requantized(const Stage& stage, const npu::Requantization& constants, ValueId y) {
    return stage.builder.call(kRequantize, stage.layer.name + "/Requantize",
                              {y, stage.sum_step(), stage.factors("m", constants.m),
                               stage.factors("output_scale", stage.output().quantization.scale)});
}

ValueId piecewise_linear(const Stage& stage, const npu::PiecewiseLinear& table, ValueId y) {
    std::vector<float> slope, intercept;  // by the upper byte of the presum
    for (int32_t byte = -128; byte < 128; ++byte) {
        const auto segment = static_cast<size_t>(std::count_if(table.breakpoints.begin(), table.breakpoints.end(),
                                                               [&](int8_t breakpoint) { return breakpoint <= byte; }));
        slope.push_back(std::ldexp(static_cast<float>(table.slope.at(segment)), -15));
        intercept.push_back(table.intercept.at(segment));
    }
    const bool several = !table.channel_m.empty();
    std::vector<float> factor{1}, lo, hi;
    if (several) factor.assign(table.channel_m.begin(), table.channel_m.end());
    const auto offset = [](int32_t bound, int32_t zero_point) { return static_cast<float>(bound - zero_point); };
    for (size_t c = 0; c < factor.size(); ++c) {
        if (several) factor[c] = std::ldexp(factor[c], -15);
        lo.push_back(several ? offset(table.channel_lo[c], table.channel_zero_point[c])
                             : offset(table.lo, table.zero_point));
        hi.push_back(several ? offset(table.channel_hi[c], table.channel_zero_point[c])
                             : offset(table.hi, table.zero_point));
    }
    const std::string name = function_name(stage.layer.activation.kind), at = stage.layer.name + "/";
    return stage.builder.call(
        name, at + name,
        {y, stage.sum_step(), stage.factors("m", table.m16), stage.builder.floats(at + "slope", {256}, slope),
         stage.builder.floats(at + "intercept", {256}, intercept), stage.factors("factor", factor),
         stage.factors("shift", {std::ldexp(1.0F, -(several ? table.r2 : table.r))}), stage.factors("lo", lo),
         stage.factors("hi", hi), stage.factors("output_scale", stage.output().quantization.scale)});
}

}  // namespace

ValueId add_quantization(Builder& builder, const std::string& name, const npu::CodeTensor& tensor, ValueId x) {
    const std::vector<float>& scale = tensor.quantization.scale;
    std::vector<float> coefficient;
    for (const float one : scale) coefficient.push_back(npu::coefficient_of(one));
    return builder.call(kQuantize, name + "/Quantize",
                        {x, spread(builder, name + "/coefficient", coefficient, tensor.shape.size()),
                         spread(builder, name + "/input_scale", scale, tensor.shape.size())});
}

ValueId add_rounding(Builder& builder, const npu::Network& network, const npu::Layer& layer, ValueId y) {
    const Stage stage{builder, network, layer};
    if (const auto* constants = std::get_if<npu::Requantization>(&layer.stage))
        return requantized(stage, *constants, y);
    if (const auto* table = std::get_if<npu::PiecewiseLinear>(&layer.stage)) return piecewise_linear(stage, *table, y);
    return y;
}

ValueId add_sum(Builder& builder, const npu::Network& network, const npu::Layer& layer,
                const std::vector<Shown>& inputs) {
    const Stage stage{builder, network, layer};
    const auto& add = std::get<npu::AddArithmetic>(layer.stage);
    const auto factors = [&](const char* name, const std::vector<int16_t>& values) {
        std::vector<float> real(values.begin(), values.end());
        for (float& one : real) one /= 256;
        return stage.factors(name, real);
    };
    std::vector<float> step = stage.output().quantization.scale;
    for (float& one : step) one = std::ldexp(one, -add.r);
    return builder.call(kAdd, layer.name,
                        {inputs.at(0).reals, inputs.at(1).reals, stage.factors("a/scale", stage.input(0).scale),
                         stage.factors("b/scale", stage.input(1).scale), factors("a/factor", add.ma),
                         factors("b/factor", add.mb), stage.factors("step", step)});
}

}  // namespace calotype::view
