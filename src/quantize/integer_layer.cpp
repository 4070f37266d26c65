#include "quantize/integer_layer.hpp"

#include <algorithm>

#include "npu/arithmetic.hpp"
#include "npu/piecewise.hpp"

namespace calotype::quantize {
namespace {

const npu::CodeTensor& of(std::span<const npu::CodeTensor> tensors, npu::TensorId id) {
    return tensors[static_cast<size_t>(id)];
}

npu::OutputStage weighted_stage(const npu::Layer& layer, std::span<const npu::CodeTensor> tensors) {
    const npu::Quantization& output = of(tensors, layer.output).quantization;
    if (is_piecewise(layer.activation)) {
        npu::PiecewiseResult made = npu::make_piecewise(layer.activation, sum_scale(layer, tensors), output);
        CALOTYPE_ASSERT(made.output == output, "scales are settled before tables are made for them");
        return std::move(made.stage);
    }
    const auto scale_in = npu::input_scale(layer.attributes, of(tensors, layer.inputs[0]).quantization);
    return npu::make_requantization(scale_in, layer.weight_scale, output, npu::bounds_of(layer.activation));
}

}  // namespace

bool is_piecewise(const npu::Activation& activation) {
    return activation.kind != npu::ActivationKind::none && activation.kind != npu::ActivationKind::clamp;
}

bool has_weights(const npu::Attributes& attributes) {
    return std::holds_alternative<npu::Conv>(attributes) || std::holds_alternative<npu::FullyConnected>(attributes);
}

std::vector<double> sum_scale(const npu::Layer& layer, std::span<const npu::CodeTensor> tensors) {
    return npu::sum_scale(layer, of(tensors, layer.inputs[0]).quantization);
}

std::vector<float> absorbed_weights(const npu::FloatLayer& layer, std::span<const npu::CodeTensor> tensors) {
    std::vector<float> weights = layer.weights;
    npu::absorb_input_scales(weights, layer.attributes, of(tensors, layer.inputs[0]).quantization);
    return weights;
}

npu::Layer integer_layer(const npu::FloatLayer& from, std::span<const npu::CodeTensor> tensors,
                         std::optional<npu::QuantizedWeights> own) {
    npu::Layer layer;
    layer.name = from.name;
    layer.sources = from.sources;
    layer.attributes = from.attributes;
    layer.inputs = from.inputs;
    layer.output = from.output;
    layer.activation = from.activation;
    layer.sum_value = from.sum_value;
    const npu::Quantization& input = of(tensors, layer.inputs[0]).quantization;
    const npu::Quantization& output = of(tensors, layer.output).quantization;
    const npu::RealBounds bounds = npu::bounds_of(layer.activation);
    if (has_weights(layer.attributes)) {
        const auto scale_in = npu::input_scale(layer.attributes, input);
        auto quantized =
            own ? std::move(*own) : npu::quantize_weights(absorbed_weights(from, tensors), from.bias, scale_in);
        layer.weights = std::move(quantized.weights);
        layer.bias = std::move(quantized.bias);
        layer.weight_scale = std::move(quantized.scale);
        layer.stage = weighted_stage(layer, tensors);
    } else if (std::holds_alternative<npu::Add>(layer.attributes)) {
        layer.stage = npu::make_add(input, of(tensors, layer.inputs[1]).quantization, output, bounds);
    } else if (std::holds_alternative<npu::Mul>(layer.attributes)) {
        layer.stage = npu::make_mul(input, of(tensors, layer.inputs[1]).quantization, output, bounds);
    } else if (std::holds_alternative<npu::Requantize>(layer.attributes)) {
        layer.stage = npu::make_requantize(input, output, bounds);
    } else if (const auto* pool = std::get_if<npu::Pool>(&layer.attributes);
               pool != nullptr && pool->kind == npu::PoolKind::average) {
        if (pool->global) {
            npu::set_global_average_pool(layer, input, output, npu::as_map(of(tensors, layer.inputs[0]).shape).pixels(),
                                         bounds);
        } else {
            layer.stage = npu::make_average_pool(input, output, pool->window.taps(), bounds);
        }
    }
    return layer;
}

void set_bias(npu::Layer& layer, std::span<const npu::CodeTensor> tensors, std::span<const double> bias) {
    const auto scale_in = npu::input_scale(layer.attributes, of(tensors, layer.inputs[0]).quantization);
    for (size_t o = 0; o < layer.bias.size(); ++o) {
        const double in = scale_in[scale_in.size() > 1 ? o : 0];
        // The weights' scale holds biases up to scale_in * scale_w * 2^30 (docs/arithmetic.md, Weights); a correction
        // stays within it.
        const double most = in * layer.weight_scale[o] * 1073741824.0;
        layer.bias[o] = npu::bias_code(std::clamp(bias[o], -most, most), in, layer.weight_scale[o]);
    }
}

double table_error(const npu::Layer& layer, std::span<const npu::CodeTensor> tensors) {
    if (!std::holds_alternative<npu::PiecewiseLinear>(layer.stage)) return 0;
    return npu::make_piecewise(layer.activation, sum_scale(layer, tensors), of(tensors, layer.output).quantization)
        .error_codes;
}

}  // namespace calotype::quantize
