#include "quantize/coarser_writers.hpp"

#include <algorithm>

#include "npu/arithmetic.hpp"
#include "npu/piecewise.hpp"
#include "quantize/integer_layer.hpp"
#include "quantize/scales.hpp"

namespace calotype::quantize {
namespace {

/// What the model states of a tensor; nothing where a channel has no scale.
std::optional<npu::Quantization> stated_of(const ScaleClasses& classes, npu::TensorId tensor) {
    npu::Quantization stated{{}, {}};
    for (int64_t c = 0; c < classes.channels(tensor); ++c) {
        const auto& code = classes.stated(classes.of(tensor, c));
        if (!code) return std::nullopt;
        stated.scale.push_back(code->scale);
        stated.zero_point.push_back(code->zero_point);
    }
    compress(stated);
    return stated;
}

/// The finest scales that the layer can write, one or one a channel; none below what is stated of its output.
std::vector<float> finest(const npu::FloatLayer& layer, const ScaleClasses& classes, const npu::Quantization& output) {
    if (std::holds_alternative<npu::Add>(layer.attributes)) {
        const auto a = stated_of(classes, layer.inputs[0]), b = stated_of(classes, layer.inputs[1]);
        if (a && b) return npu::least_add_scale(*a, *b);
    }
    if (has_weights(layer.attributes) && is_piecewise(layer.activation))
        return npu::make_piecewise(layer.activation, std::vector{1.0}, output).output.scale;
    return {};
}

/// What the layer is to write instead; nothing where it can write what is stated.
std::optional<npu::Quantization> coarser(const npu::FloatLayer& layer, const ScaleClasses& classes) {
    const auto stated = stated_of(classes, layer.output);
    if (!stated) return std::nullopt;
    float scale = 0;
    for (const float one : finest(layer, classes, *stated)) scale = std::max(scale, one);
    const float coarsest_stated = *std::ranges::max_element(stated->scale);
    if (scale <= *std::ranges::min_element(stated->scale)) return std::nullopt;
    npu::Quantization written = *stated;
    written.scale.assign(written.scale.size(), std::max(scale, coarsest_stated));
    return written;
}

}  // namespace

std::optional<Separated> write_coarser(const npu::FloatNetwork& network, const Statistics& statistics) {
    const ScaleClasses classes = classes_that_agree(network);
    std::optional<Separated> out;
    for (const npu::FloatLayer& layer : network.layers) {
        const auto written = coarser(layer, classes);
        if (!written) continue;
        if (!out) out = Separated{network, statistics};
        auto& layers = out->network.layers;
        const auto writer = std::ranges::find(layers, layer.output, &npu::FloatLayer::output);
        const auto behind = static_cast<size_t>(writer - layers.begin()) + 1;
        const npu::TensorId stated = insert_requantize(*out, layer.output, behind);
        for (size_t i = behind + 1; i < layers.size(); ++i)
            std::ranges::replace(layers[i].inputs, layer.output, stated);
        for (npu::Placement& output : out->network.outputs)
            if (output.tensor == layer.output) output.tensor = stated;
        out->network.tensors[index_of(stated)].stated = stated_of(classes, layer.output);
        out->network.tensors[index_of(layer.output)].stated = *written;
    }
    return out;
}

}  // namespace calotype::quantize
