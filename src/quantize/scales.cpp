#include "quantize/scales.hpp"

#include <algorithm>

#include "quantize/channel_widths.hpp"
#include "quantize/headroom.hpp"
#include "quantize/writer_bounds.hpp"

namespace calotype::quantize {

/// Zeros, masks and labels are whole numbers too: at scale 1 an Add that reads them could not write finer than an
/// eighth.
constexpr double kLeastBytes = 16;

std::optional<Range> byte_range(const TensorStatistics& tensor) {
    Range range;
    for (const Range& channel : tensor.ranges()) range.include(channel);
    const Range bytes = range.lo < 0 ? Range{-128, 127} : Range{0, 255};
    if (range.width() < kLeastBytes) return std::nullopt;
    if (!tensor.whole_numbers || range.lo < bytes.lo || range.hi > bytes.hi) return std::nullopt;
    return bytes;
}

void compress(npu::Quantization& quantization) {
    const auto same = [](const auto& all) {
        return std::all_of(all.begin(), all.end(), [&](auto x) { return x == all[0]; });
    };
    if (!same(quantization.scale) || !same(quantization.zero_point)) return;
    quantization.scale.resize(1);
    quantization.zero_point.resize(1);
}

namespace {

/// What was zero on every sample says nothing of its range, and an Add writes no finer than an eighth of its coarser
/// summand's scale: beside a live summand it gets that one's. In the order of layers, so that it passes on.
void fit_dead_summands(const npu::FloatNetwork& network, const ScaleClasses& classes, std::vector<bool> dead,
                       std::vector<Code>& codes) {
    for (const npu::FloatLayer& layer : network.layers) {
        if (!std::holds_alternative<npu::Add>(layer.attributes)) continue;
        for (int64_t c = 0; c < classes.channels(layer.output); ++c) {
            const auto a = static_cast<size_t>(classes.of(layer.inputs[0], c));
            const auto b = static_cast<size_t>(classes.of(layer.inputs[1], c));
            if (dead[a] == dead[b]) continue;
            codes[dead[a] ? a : b] = codes[dead[a] ? b : a];
            dead[dead[a] ? a : b] = false;
        }
    }
}

/// Slots that hold more than constants and what only moves them. The zeros of a Pad count: their own range would be none.
std::vector<bool> computed_slots(const npu::FloatNetwork& network, const ScaleClasses& classes) {
    std::vector<bool> computed(static_cast<size_t>(classes.slots()));
    const auto mark = [&](npu::TensorId tensor) {
        for (int64_t c = 0; c < classes.channels(tensor); ++c)
            computed[static_cast<size_t>(classes.of(tensor, c))] = true;
    };
    for (const npu::Placement& input : network.inputs) mark(input.tensor);
    for (const npu::FloatLayer& layer : network.layers)
        if (!only_moves(layer.attributes) || std::holds_alternative<npu::Pad>(layer.attributes)) mark(layer.output);
    return computed;
}

}  // namespace

Scales choose_scales(const npu::FloatNetwork& network, const ScaleClasses& classes, const Statistics& statistics,
                     const Calibration& calibration, const Ingredients& ingredients, ThreadPool& pool) {
    const int64_t samples = calibration.samples;
    std::vector<Width> widths(network.tensors.size());
    if (ingredients.has(Ingredient::channel_scales) && samples >= 2 && !classes.all_stated())
        widths = choose_widths(network, classes, statistics, calibration.exact, samples, pool);
    std::vector<double> factor(network.tensors.size(), 1.0);
    if (ingredients.has(Ingredient::headroom))
        factor = headroom(network, classes, statistics, samples * calibration.batch);
    const ClassRanges known = class_ranges(network, classes, statistics, -1);
    const std::vector<Range> bounds = bounds_of_writers(network, classes);

    const std::vector<bool> computed = computed_slots(network, classes);
    std::vector<Code> codes(static_cast<size_t>(classes.slots()));
    std::vector<bool> dead(codes.size());
    for (size_t t = 0; t < network.tensors.size(); ++t) {
        const size_t group = classes.group()[t];
        for (int64_t c = 0; c < classes.channels(static_cast<npu::TensorId>(t)); ++c) {
            const auto slot = static_cast<size_t>(classes.of(static_cast<npu::TensorId>(t), c));
            if (classes.stated(static_cast<int64_t>(slot))) {
                codes[slot] = *classes.stated(static_cast<int64_t>(slot));
                continue;
            }
            dead[slot] = known.whole[slot].width() == 0;
            if (!computed[slot]) {  // the range of constants is known
                codes[slot] = code_of(known.own[slot]);
                continue;
            }
            const Range range = widened(known.own[slot], known.whole[slot], widths[group]);
            codes[slot] = code_of({std::max(range.lo * factor[group], bounds[slot].lo),
                                   std::min(range.hi * factor[group], bounds[slot].hi)});
        }
    }
    Scales scales;
    for (const npu::Placement& input : network.inputs) {
        const auto slot = [&](int64_t c) { return static_cast<size_t>(classes.of(input.tensor, c)); };
        const bool stated = classes.stated(static_cast<int64_t>(slot(0))).has_value();
        const auto bytes = stated ? std::nullopt : byte_range(statistics.tensors[index_of(input.tensor)]);
        scales.whole_numbers.push_back(bytes.has_value());
        // What another part hands on has ranges like any tensor; what the caller gives is the samples' own.
        if (stated || (!bytes && network.handed_on.contains(input.value))) continue;
        for (int64_t c = 0; c < classes.channels(input.tensor); ++c)
            codes[slot(c)] = code_of(bytes ? *bytes : known.own[slot(0)]);
        for (int64_t c = 0; c < classes.channels(input.tensor); ++c) dead[slot(c)] = false;
    }
    fit_dead_summands(network, classes, std::move(dead), codes);
    for (size_t t = 0; t < network.tensors.size(); ++t) {
        npu::Quantization quantization;
        for (int64_t c = 0; c < classes.channels(static_cast<npu::TensorId>(t)); ++c) {
            const Code& code = codes[static_cast<size_t>(classes.of(static_cast<npu::TensorId>(t), c))];
            quantization.scale.push_back(code.scale);
            quantization.zero_point.push_back(code.zero_point);
        }
        compress(quantization);
        scales.tensors.push_back(std::move(quantization));
    }
    return scales;
}

}  // namespace calotype::quantize
