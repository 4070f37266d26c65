#include "quantize/channel_widths.hpp"

#include <array>

#include "quantize/rounding_noise.hpp"
#include "quantize/sensitivity.hpp"
#include "quantize/sizes.hpp"

namespace calotype::quantize {
namespace {

constexpr std::array<Width, 7> kOfChannel = {{{0, 0}, {0, 0.25}, {0, 0.5}, {5, 0}, {3, 0}, {2, 0}, {1.5, 0}}};
constexpr std::array<double, 4> kShares = {1, 0.75, 0.55, 0.4};
constexpr auto kWidths = [] {
    std::array<Width, kOfChannel.size() * kShares.size()> all{};
    for (size_t w = 0; w < all.size(); ++w) {
        all[w] = kOfChannel[w % kOfChannel.size()];
        all[w].share = kShares[w / kOfChannel.size()];
    }
    return all;
}();
constexpr double kLeastShare = 1.0 / 32;  // of the whole's scale
constexpr int64_t kFewValues = 200;       // a channel of fewer values says too little of its own range

using Errors = std::vector<std::array<double, kWidths.size()>>;  // by tensor

/// By group, whether one of its tensors has few values.
std::vector<bool> groups_of_few_values(const npu::FloatNetwork& network, const ScaleClasses& classes,
                                       const Statistics& statistics) {
    std::vector<bool> few(statistics.tensors.size()), computed(few.size());
    for (size_t t = 0; t < few.size(); ++t) {
        if (!network.tensors[t].constant.empty()) continue;
        computed[classes.group()[t]] = true;
        if (statistics.tensors[t].values_per_channel < kFewValues) few[classes.group()[t]] = true;
    }
    for (size_t g = 0; g < few.size(); ++g) few[g] = few[g] || !computed[g];  // constants alone are known
    return few;
}

/// Cost of one sample's errors for each width, the ranges being those of other samples; not of the groups left out.
Errors held_back_errors(const npu::FloatNetwork& network, const ScaleClasses& classes,
                        const std::vector<std::vector<double>>& cost, const ClassRanges& known,
                        const std::map<std::string, Tensor>& by_name, const std::vector<bool>& left_out) {
    const auto tensors = tensors_at(network, input_dims(network, by_name));
    Errors errors(tensors.size());
    for (size_t t = 0; t < errors.size(); ++t) {
        if (left_out[classes.group()[t]]) continue;
        const std::vector<float> x = reals_of(tensors[t], by_name);
        const size_t channels = cost[t].size();
        for (size_t w = 0; w < kWidths.size(); ++w) {
            std::vector<Code> codes(channels);
            for (size_t c = 0; c < channels; ++c) {
                const auto slot = classes.of(static_cast<npu::TensorId>(t), static_cast<int64_t>(c));
                codes[c] = code_of(
                    widened(known.own[static_cast<size_t>(slot)], known.whole[static_cast<size_t>(slot)], kWidths[w]));
            }
            const std::vector<double> noise = rounding_noise(x, codes);
            for (size_t k = 0; k < channels; ++k) errors[t][w] += noise[k] * std::max(cost[t][k], 1e-12);
        }
    }
    return errors;
}

/// By tensor, whether a Concat along the channels made it, or moves of what one made: what lies beside a channel there
/// says nothing of it.
std::vector<bool> joined_tensors(const npu::FloatNetwork& network) {
    std::vector<bool> joined(network.tensors.size());
    for (const npu::FloatLayer& layer : network.layers) {
        const auto output = static_cast<size_t>(layer.output);
        const auto* concat = std::get_if<npu::Concat>(&layer.attributes);
        const auto rank = static_cast<int64_t>(network.tensors[output].shape.size());
        if (concat != nullptr && concat->axis == rank - 1) joined[output] = true;
        for (const npu::TensorId input : layer.inputs)
            if (only_moves(layer.attributes) && joined[static_cast<size_t>(input)]) joined[output] = true;
    }
    return joined;
}

Errors cross_validate(const npu::FloatNetwork& network, const ScaleClasses& classes, const Statistics& statistics,
                      const Values& values, int64_t samples, const std::vector<bool>& left_out, ThreadPool& pool) {
    const auto cost = sensitivities(network);
    std::vector<ClassRanges> of_others;
    for (int64_t fold = 0; fold < kFolds; ++fold) of_others.push_back(class_ranges(network, classes, statistics, fold));
    Errors errors(network.tensors.size());
    const auto work = [&](int64_t sample) {
        return held_back_errors(network, classes, cost, of_others[static_cast<size_t>(sample % kFolds)], values(sample),
                                left_out);
    };
    in_order<Errors>(samples, samples_at_once(network, pool.threads()), pool, work, [&](int64_t, Errors&& one) {
        for (size_t t = 0; t < errors.size(); ++t) {
            for (size_t w = 0; w < kWidths.size(); ++w) errors[t][w] += one[t][w];
        }
    });
    return errors;
}

}  // namespace

Range widened(const Range& own, const Range& whole, const Width& width) {
    const double limit = width.share * std::max(std::abs(whole.lo), std::abs(whole.hi));
    const auto side = [&](double mine, double all) {
        const double most = std::min(std::abs(all), limit);
        double wide = most;
        if (width.times > 0) wide = std::abs(mine) * width.times;
        if (width.exponent > 0)
            wide = std::pow(std::abs(mine), width.exponent) * std::pow(std::abs(all), 1 - width.exponent);
        return std::copysign(std::clamp(wide, most * kLeastShare, most), all);
    };
    return {side(own.lo, whole.lo), side(own.hi, whole.hi)};
}

ClassRanges class_ranges(const npu::FloatNetwork& network, const ScaleClasses& classes, const Statistics& statistics,
                         int64_t left_out) {
    const auto slots = static_cast<size_t>(classes.slots());
    ClassRanges out{std::vector<Range>(slots), std::vector<Range>(slots)};
    const std::vector<bool> joins = joined_tensors(network);
    for (size_t t = 0; t < network.tensors.size(); ++t) {
        const auto ranges = statistics.tensors[t].ranges(left_out);
        Range whole;
        for (const Range& range : ranges) whole.include(range);
        for (size_t c = 0; c < ranges.size(); ++c) {
            const auto id = classes.of(static_cast<npu::TensorId>(t), static_cast<int64_t>(c));
            out.own[static_cast<size_t>(id)].include(ranges[c]);
            out.whole[static_cast<size_t>(id)].include(joins[t] ? ranges[c] : whole);
        }
    }
    return out;
}

std::vector<Width> choose_widths(const npu::FloatNetwork& network, const ScaleClasses& classes,
                                 const Statistics& statistics, const Values& values, int64_t samples,
                                 ThreadPool& pool) {
    std::vector<Width> chosen(network.tensors.size());
    const std::vector<bool> few = groups_of_few_values(network, classes, statistics);
    const auto& groups = classes.group();
    if (std::ranges::all_of(groups, [&](size_t group) { return few[group]; })) return chosen;
    const auto errors = cross_validate(network, classes, statistics, values, samples, few, pool);
    std::vector<bool> answers(network.tensors.size());
    for (const npu::Placement& output : network.outputs) answers[groups[index_of(output.tensor)]] = true;
    for (size_t g = 0; g < chosen.size(); ++g) {
        if (few[g]) continue;
        std::array<double, kWidths.size()> sum{};
        for (size_t t = 0; t < chosen.size(); ++t)
            for (size_t w = 0; groups[t] == g && w < sum.size(); ++w) sum[w] += errors[t][w];
        // The rare large value of an output is the answer itself: it is never clipped.
        const size_t candidates = answers[g] ? kOfChannel.size() : kWidths.size();
        size_t best = 0;
        for (size_t w = 1; w < candidates; ++w) {
            if (sum[w] < sum[best]) best = w;
        }
        chosen[g] = kWidths[best];
    }
    return chosen;
}

}  // namespace calotype::quantize
