#include "quantize/own_numbers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "quantize/integer_layer.hpp"

namespace calotype::quantize {
namespace {

// A weight is float32(scale * code), its scale float32(largest weight / code): three roundings of 2^-24 at 127.
constexpr double kRounding = 1e-4;

struct Row {
    std::vector<int8_t> weights;
    int32_t bias = 0;
    float scale = 1;
    bool clipped = false;
};

bool fits(std::span<const float> weights, double scale) {
    return std::ranges::all_of(weights,
                               [=](float w) { return std::abs(w / scale - std::nearbyint(w / scale)) < kRounding; });
}

Row row_of(std::span<const float> weights, float bias, double scale_in, float scale) {
    Row row{{}, npu::bias_code(bias, scale_in, scale), scale};
    for (const float w : weights) {
        const double code = std::nearbyint(w / double{scale});
        row.clipped = row.clipped || code < -127;
        row.weights.push_back(static_cast<int8_t>(std::max(code, -127.0)));
    }
    return row;
}

/// The sum stays below 2^31 (docs/arithmetic.md, Weights).
bool holds(std::span<const float> weights, float bias, double scale_in, double scale) {
    double worst = std::abs(bias / (scale_in * scale)) + 1;
    for (const float w : weights) worst += 255 * std::abs(w / scale);
    return worst < 0x1p31;
}

/// A dead channel: all that its weights can add to the bias is a small part of an output code. Quantizers give such rows a
/// scale at which the bias alone takes nearly all of an int32; a scale twice as coarse loses a part of that part.
bool bias_alone_counts(std::span<const float> weights, double scale_in, double scale_out) {
    double most = 0;
    for (const float w : weights) most += 255 * scale_in * std::abs(w);
    return most <= scale_out / 32;
}

std::optional<Row> own_row(std::span<const float> weights, float bias, double scale_in, double scale_out) {
    const float largest = std::abs(*std::ranges::max_element(weights, {}, [](float w) { return std::abs(w); }));
    for (int code = 127; code >= 1 && largest > 0; --code) {
        const auto scale = static_cast<float>(largest / static_cast<double>(code));
        if (fits(weights, scale) && holds(weights, bias, scale_in, scale))
            return row_of(weights, bias, scale_in, scale);
    }
    if (bias_alone_counts(weights, scale_in, scale_out))
        return row_of(weights, bias, scale_in, npu::weight_scale(weights, bias, scale_in));
    // Quantizers that use -128 do so for few weights of a row: one code there costs less than half a code everywhere.
    const auto scale = static_cast<float>(largest / 128.0);
    const bool least_is_128 = std::ranges::max(weights) < 127.5F * scale;
    if (least_is_128 && fits(weights, scale) && holds(weights, bias, scale_in, scale))
        return row_of(weights, bias, scale_in, scale);
    return std::nullopt;
}

/// Whether the model states the scale of all that the layer reads and writes; a constant's follows from its values.
bool is_stated(const npu::FloatNetwork& network, const npu::FloatLayer& layer, const ScaleClasses& classes) {
    return classes.all_stated(layer.output) && std::ranges::all_of(layer.inputs, [&](npu::TensorId input) {
               return classes.all_stated(input) || !network.tensors[index_of(input)].constant.empty();
           });
}

/// Why the scales are not the stated ones; empty where they are.
std::string scales_anew(const npu::FloatNetwork& network, const npu::FloatLayer& layer, const ScaleClasses& classes,
                        const Scales& scales) {
    std::vector<npu::TensorId> all = layer.inputs;
    all.push_back(layer.output);
    for (const npu::TensorId id : all) {
        const npu::FloatTensor& tensor = network.tensors[index_of(id)];
        if (tensor.narrowed) return fmt::format("`{}` has more than 8 bits in the model", tensor.value);
        for (int64_t c = 0; c < classes.channels(id); ++c) {
            const auto& stated = classes.stated(classes.of(id, c));
            if (stated && scales.tensors[index_of(id)].scale_of(c) != stated->scale)
                return fmt::format("the scale of `{}` is too fine for the layer that writes it", tensor.value);
        }
    }
    return {};
}

}  // namespace

std::optional<OwnWeights> own_weights(const npu::FloatLayer& layer, std::span<const npu::CodeTensor> tensors) {
    const std::vector<float> weights = absorbed_weights(layer, tensors);
    const auto scale_in = npu::input_scale(layer.attributes, tensors[index_of(layer.inputs[0])].quantization);
    const npu::Quantization& output = tensors[index_of(layer.output)].quantization;
    const size_t rows = layer.bias.size(), row_elems = rows == 0 ? 0 : weights.size() / rows;
    OwnWeights own;
    for (size_t o = 0; o < rows; ++o) {
        const auto row = own_row(std::span(weights).subspan(o * row_elems, row_elems), layer.bias[o],
                                 scale_in[scale_in.size() > 1 ? o : 0], output.scale_of(static_cast<int64_t>(o)));
        if (!row) return std::nullopt;
        own.clipped = own.clipped || row->clipped;
        own.numbers.weights.insert(own.numbers.weights.end(), row->weights.begin(), row->weights.end());
        own.numbers.bias.push_back(row->bias);
        own.numbers.scale.push_back(row->scale);
    }
    return own;
}

OwnNumbers own_numbers(const npu::FloatNetwork& network, const npu::FloatLayer& layer, const ScaleClasses& classes,
                       const Scales& scales, std::span<const npu::CodeTensor> tensors) {
    if (!is_stated(network, layer, classes)) return {};
    OwnNumbers found;
    found.anew = scales_anew(network, layer, classes, scales);
    if (has_weights(layer.attributes)) {
        auto weights = own_weights(layer, tensors);
        if (!weights)
            found.anew = "its weights lie on no grid of 127 codes: a zero point, scales by block or more than 8 bits";
        else if (weights->clipped && found.anew.empty())
            found.anew = "its weights hold -128, which became -127";
        if (weights) found.weights = std::move(weights->numbers);
    }
    found.own = found.anew.empty();
    return found;
}

}  // namespace calotype::quantize
