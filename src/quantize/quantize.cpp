// The fast mode: statistics, scales, then layer by layer weights and biases on what the layer really reads.

#include "quantize/quantize.hpp"

#include "quantize/bias_correction.hpp"
#include "quantize/coarser_writers.hpp"
#include "quantize/codes.hpp"
#include "quantize/gram_rounding.hpp"
#include "quantize/ingredients.hpp"
#include "quantize/integer_layer.hpp"
#include "quantize/own_numbers.hpp"
#include "quantize/requantize_layers.hpp"
#include "quantize/scales.hpp"

namespace calotype::quantize {
namespace {

/// The network without its layers, every tensor with its scale.
npu::Network with_scales(const npu::FloatNetwork& from, const Scales& scales) {
    npu::Network network;
    for (size_t t = 0; t < from.tensors.size(); ++t) {
        network.tensors.push_back({from.tensors[t].value, from.tensors[t].shape, scales.tensors[t],
                                   npu::Precision::int8, to_codes(from.tensors[t].constant, scales.tensors[t])});
    }
    network.inputs = from.inputs;
    network.outputs = from.outputs;
    network.layers.reserve(from.layers.size());
    return network;
}

/// Weights rounded against what the layer reads; the mean before the activation made FP32's.
void refine_before(const npu::FloatLayer& from, npu::Layer& layer, std::span<const npu::CodeTensor> tensors,
                   const InputMoments& read, std::span<const double> sum_mean, const Ingredients& ingredients) {
    if (!read.gram.empty()) {
        round_against_gram(read, absorbed_weights(from, tensors), layer.weight_scale, layer.weights);
    }
    if (ingredients.has(Ingredient::bias_correction)) {
        set_bias(layer, tensors, bias_before_activation(layer, tensors, read, sum_mean));
    }
}

/// Scales, then layer by layer weights and biases.
Result quantize_with(const npu::FloatNetwork& from, const Statistics& statistics, const Calibration& calibration,
                     const Ingredients& ingredients, const Progress& progress, ThreadPool& pool) {
    const auto& [exact, read, samples, batch] = calibration;
    const ScaleClasses classes = classes_of(from, ingredients.has(Ingredient::channel_scales));
    const Scales chosen = choose_scales(from, classes, statistics, calibration, ingredients, pool);
    Scales scales = chosen;
    settle(from, classes, scales);
    if (const auto kept = keep_bytes(from, statistics, chosen, scales))
        return quantize_with(kept->network, kept->statistics, calibration, ingredients, progress, pool);
    progress(0.4, 0);

    Result result{with_scales(from, scales), {}, scales.whole_numbers};
    npu::Network& network = result.network;
    CalibrationCodes codes(from, network, samples, batch, pool);
    codes.put_inputs(read);
    const bool gram = ingredients.has(Ingredient::gram_rounding);
    const bool before = gram || ingredients.has(Ingredient::bias_correction);
    const bool after = ingredients.has(Ingredient::post_bias_correction);
    std::vector<OwnNumbers> kept;
    for (size_t i = 0; i < from.layers.size(); ++i) {
        kept.push_back(own_numbers(from, from.layers[i], classes, scales, network.tensors));
        const bool weighted =
            has_weights(from.layers[i].attributes) && !kept[i].weights;  // its own are taken as they are
        network.layers.push_back(integer_layer(from.layers[i], network.tensors, std::move(kept[i].weights)));
        npu::Layer& layer = network.layers[i];
        if (weighted && before) {
            refine_before(from.layers[i], layer, network.tensors, codes.moments(i, gram), statistics.sum_mean[i],
                          ingredients);
        }
        const CodeMeans wrote = codes.run(i);
        if (weighted && after) {
            const auto& target = statistics.tensors[static_cast<size_t>(layer.output)].mean;
            set_bias(layer, network.tensors, bias_after_activation(layer, network.tensors, wrote, target));
            codes.run(i);
        }
        codes.drop_read(i);
        progress(0.4 + 0.5 * static_cast<double>(i + 1) / static_cast<double>(from.layers.size()), i + 1);
    }
    result.errors = measure(from, network, calibration, pool);
    for (size_t i = 0; i < kept.size(); ++i) {
        result.errors[i].own = kept[i].own;
        result.errors[i].anew = std::move(kept[i].anew);
    }
    progress(1.0, from.layers.size());
    return result;
}

}  // namespace

Result quantize(const npu::FloatNetwork& from, const Calibration& calibration, const Options& options,
                ThreadPool& pool) {
    const Ingredients ingredients(options.without);
    const Progress progress = [&](double done, size_t layers) {
        if (options.progress) options.progress(done, layers);
    };
    progress(0.0, 0);
    const Statistics statistics = gather(from, calibration.exact, calibration.samples, pool);
    progress(0.2, 0);
    const auto coarser = write_coarser(from, statistics);
    const npu::FloatNetwork& network = coarser ? coarser->network : from;
    const Statistics& known = coarser ? coarser->statistics : statistics;
    const auto apart = separate_scales(network, known, ingredients.has(Ingredient::channel_scales));
    return quantize_with(apart ? apart->network : network, apart ? apart->statistics : known, calibration, ingredients,
                         progress, pool);
}

}  // namespace calotype::quantize
