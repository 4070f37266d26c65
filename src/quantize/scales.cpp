#include "quantize/scales.hpp"

#include <algorithm>
#include <limits>

#include "quantize/channel_widths.hpp"
#include "quantize/headroom.hpp"

namespace calotype::quantize {
namespace {

/// What a tensor's writer can make at all: the clamp of its activation.
Range clamp_of(const npu::FloatNetwork& network, size_t tensor) {
    constexpr double kOpen = std::numeric_limits<double>::infinity();
    for (const npu::FloatLayer& layer : network.layers) {
        if (static_cast<size_t>(layer.output) != tensor || layer.activation.kind != npu::ActivationKind::clamp)
            continue;
        return {std::min<double>(layer.activation.lo, 0), std::max<double>(layer.activation.hi, 0)};
    }
    return {-kOpen, kOpen};
}

/// Inputs that are whole numbers of one byte are carried as they are: scale 1.
void keep_whole_numbers(const npu::FloatNetwork& network, const ScaleClasses& classes, const Statistics& statistics,
                        const ClassRanges& known, Scales& scales) {
    for (const npu::Placement& input : network.inputs) {
        const auto t = static_cast<size_t>(input.tensor);
        const Range whole = known.whole[classes.group()[t]];
        const bool bytes =
            statistics.tensors[t].whole_numbers && whole.lo >= -128 && whole.hi <= (whole.lo < 0 ? 127 : 255);
        scales.whole_numbers.push_back(bytes);
        if (!bytes) continue;
        for (size_t other = 0; other < network.tensors.size(); ++other) {
            if (classes.group()[other] == classes.group()[t])
                scales.tensors[other] = {{1.0F}, {whole.lo < 0 ? 0 : -128}};
        }
    }
}

}  // namespace

void compress(npu::Quantization& quantization) {
    const auto same = [](const auto& all) {
        return std::all_of(all.begin(), all.end(), [&](auto x) { return x == all[0]; });
    };
    if (!same(quantization.scale) || !same(quantization.zero_point)) return;
    quantization.scale.resize(1);
    quantization.zero_point.resize(1);
}

Scales choose_scales(const npu::FloatNetwork& network, const ScaleClasses& classes, const Statistics& statistics,
                     const Values& values, int64_t samples, const Ingredients& ingredients, ThreadPool& pool) {
    std::vector<Width> widths(network.tensors.size());
    if (ingredients.has(Ingredient::channel_scales) && samples >= 2)
        widths = choose_widths(network, classes, statistics, values, samples, pool);
    std::vector<double> factor(network.tensors.size(), 1.0);
    if (ingredients.has(Ingredient::headroom)) factor = headroom(network, classes, samples);
    for (const npu::Placement& input : network.inputs) {
        factor[classes.group()[static_cast<size_t>(input.tensor)]] = 1.0;
    }

    const ClassRanges known = class_ranges(network, classes, statistics, -1);
    Scales scales;
    for (size_t t = 0; t < network.tensors.size(); ++t) {
        const size_t group = classes.group()[t];
        // The clamp of the group's first tensor: all of a group have one code, so one bound serves them.
        const Range bound = clamp_of(network, group);
        npu::Quantization quantization;
        for (size_t c = 0; c < statistics.tensors[t].mean.size(); ++c) {
            const auto slot = classes.of(static_cast<npu::TensorId>(t), static_cast<int64_t>(c));
            const Range range = widened(known.own[static_cast<size_t>(slot)], known.whole[group], widths[group]);
            const Code code =
                code_of({std::max(range.lo * factor[group], bound.lo), std::min(range.hi * factor[group], bound.hi)});
            quantization.scale.push_back(code.scale);
            quantization.zero_point.push_back(code.zero_point);
        }
        compress(quantization);
        scales.tensors.push_back(std::move(quantization));
    }
    keep_whole_numbers(network, classes, statistics, known, scales);
    return scales;
}

}  // namespace calotype::quantize
