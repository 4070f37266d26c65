#include "quantize/scales.hpp"

#include <cmath>
#include <limits>

namespace calotype::quantize {
namespace {

/// How wide a class of channels is: `own` is its range, `whole` that of all tensors that share the decision.
struct Width {
    double times = 0;     ///< own range times this, at most whole; 0: see exponent
    double exponent = 0;  ///< own^exponent * whole^(1 - exponent); 0: whole
};
constexpr std::array<Width, 7> kWidths = {{{0, 0}, {0, 0.25}, {0, 0.5}, {5, 0}, {3, 0}, {2, 0}, {1.5, 0}}};
constexpr double kLeastShare = 1.0 / 16;  // of the whole's scale
constexpr int64_t kFewValues = 200;       // a channel of fewer values says too little of its own range

Range widened(const Range& own, const Range& whole, const Width& width) {
    if (width.times == 0 && width.exponent == 0) return whole;
    const auto side = [&](double mine, double all) {
        const double wide = width.times > 0 ? std::abs(mine) * width.times
                                            : std::pow(std::abs(mine), width.exponent) * std::pow(std::abs(all), 1 - width.exponent);
        return std::copysign(std::clamp(wide, std::abs(all) * kLeastShare, std::abs(all)), all);
    };
    return {side(own.lo, whole.lo), side(own.hi, whole.hi)};
}

struct Code {
    float scale = 1;
    int32_t zero_point = 0;
};

Code code_of(const Range& range) {
    const double lo = std::min(range.lo, 0.0), hi = std::max(range.hi, 0.0);
    const double scale = (hi - lo) / 255;
    if (!(scale > 1e-30)) return {1, -128};
    const auto zero_point = static_cast<int32_t>(std::nearbyint(-128 - lo / scale));
    return {static_cast<float>(scale), std::clamp(zero_point, -128, 127)};
}

double quantized(double x, const Code& code) {
    const double q = std::clamp(std::nearbyint(x / code.scale) + code.zero_point, -128.0, 127.0);
    return (q - code.zero_point) * code.scale;
}

/// What an error of one square unit in a channel costs its readers: the sum of their squared weights, one reader further where the
/// first is depthwise.
std::vector<std::vector<double>> sensitivities(const npu::FloatNetwork& network) {
    std::vector<std::vector<double>> cost(network.tensors.size());
    for (size_t t = 0; t < cost.size(); ++t) {
        const Dims& shape = network.tensors[t].shape;
        cost[t].assign(static_cast<size_t>(shape.empty() ? 1 : shape.back()), 0.0);
    }
    for (size_t i = network.layers.size(); i-- > 0;) {
        const npu::FloatLayer& layer = network.layers[i];
        const auto& out = cost[static_cast<size_t>(layer.output)];
        for (const npu::TensorId input : layer.inputs) {
            auto& in = cost[static_cast<size_t>(input)];
            if (const auto* conv = std::get_if<npu::Conv>(&layer.attributes)) {
                const int64_t per_group = conv->in_channels / conv->groups, out_per_group = conv->out_channels / conv->groups;
                const int64_t k = conv->window.taps() * per_group;
                for (int64_t o = 0; o < conv->out_channels; ++o) {
                    const double next = conv->depthwise() && out[static_cast<size_t>(o)] > 0 ? out[static_cast<size_t>(o)] : 1.0;
                    for (int64_t j = 0; j < k; ++j) {
                        const double w = layer.weights[static_cast<size_t>(o * k + j)];
                        in[static_cast<size_t>(o / out_per_group * per_group + j % per_group)] += w * w * next;
                    }
                }
            } else if (const auto* fc = std::get_if<npu::FullyConnected>(&layer.attributes)) {
                for (size_t w = 0; w < layer.weights.size(); ++w) {
                    in[w % static_cast<size_t>(fc->in_features) % in.size()] +=
                        static_cast<double>(layer.weights[w]) * layer.weights[w];
                }
            } else if (in.size() == out.size()) {
                for (size_t c = 0; c < in.size(); ++c) in[c] += out[c] > 0 ? out[c] : 1.0;
            } else {
                for (double& c : in) c += 1;
            }
        }
    }
    return cost;
}

/// The ranges of every class of channels for one choice of widths.
struct Classes {
    std::vector<Range> own;    // by slot
    std::vector<Range> whole;  // by tensor group
};

Classes collect(const npu::FloatNetwork& network, const ScaleClasses& classes, const Statistics& statistics, int64_t left_out) {
    Classes out{std::vector<Range>(static_cast<size_t>(classes.slots())), std::vector<Range>(network.tensors.size())};
    for (size_t t = 0; t < network.tensors.size(); ++t) {
        const auto ranges = statistics.tensors[t].ranges(left_out);
        for (size_t c = 0; c < ranges.size(); ++c) {
            out.own[static_cast<size_t>(classes.of(static_cast<npu::TensorId>(t), static_cast<int64_t>(c)))].include(ranges[c]);
            out.whole[classes.group()[t]].include(ranges[c]);
        }
    }
    return out;
}

/// Mean cost of the error of each tensor for each width, on samples that the widths did not see.
std::vector<std::array<double, kWidths.size()>> cross_validate(const npu::FloatNetwork& network, const ScaleClasses& classes,
                                                              const Statistics& statistics, const Values& values,
                                                              int64_t samples, ThreadPool& pool) {
    using Errors = std::vector<std::array<double, kWidths.size()>>;
    const auto cost = sensitivities(network);
    std::vector<Classes> left_out;
    for (int64_t fold = 0; fold < kFolds; ++fold) left_out.push_back(collect(network, classes, statistics, fold));
    Errors errors(network.tensors.size());
    const auto work = [&](int64_t sample) {
        const auto by_name = values(sample);
        const Classes& known = left_out[static_cast<size_t>(sample % kFolds)];
        Errors out(network.tensors.size());
        for (size_t t = 0; t < out.size(); ++t) {
            const std::vector<float> x = in_tensor_order(by_name.at(network.tensors[t].value), network.tensors[t]);
            const size_t channels = cost[t].size();
            for (size_t w = 0; w < kWidths.size(); ++w) {
                std::vector<Code> codes(channels);
                for (size_t c = 0; c < channels; ++c) {
                    const auto slot = classes.of(static_cast<npu::TensorId>(t), static_cast<int64_t>(c));
                    codes[c] = code_of(widened(known.own[static_cast<size_t>(slot)], known.whole[classes.group()[t]], kWidths[w]));
                }
                for (size_t i = 0; i < x.size(); ++i) {
                    const double e = quantized(x[i], codes[i % channels]) - x[i];
                    out[t][w] += e * e * std::max(cost[t][i % channels], 1e-12);
                }
            }
        }
        return out;
    };
    in_order<Errors>(samples, pool, work, [&](int64_t, Errors&& one) {
        for (size_t t = 0; t < errors.size(); ++t) {
            for (size_t w = 0; w < kWidths.size(); ++w) errors[t][w] += one[t][w];
        }
    });
    return errors;
}

std::vector<Width> choose_widths(const npu::FloatNetwork& network, const ScaleClasses& classes, const Statistics& statistics,
                                 const Values& values, int64_t samples, ThreadPool& pool) {
    const auto errors = cross_validate(network, classes, statistics, values, samples, pool);
    std::vector<Width> chosen(network.tensors.size());
    for (size_t g = 0; g < chosen.size(); ++g) {
        std::array<double, kWidths.size()> sum{};
        bool few = false;
        for (size_t t = 0; t < chosen.size(); ++t) {
            if (classes.group()[t] != g) continue;
            few = few || statistics.tensors[t].values_per_channel < kFewValues;
            for (size_t w = 0; w < sum.size(); ++w) sum[w] += errors[t][w];
        }
        if (few) continue;
        size_t best = 0;
        for (size_t w = 1; w < sum.size(); ++w) {
            if (sum[w] < sum[best]) best = w;
        }
        chosen[g] = kWidths[best];
    }
    return chosen;
}

/// Factor on each tensor group's range: the largest logits are not among few samples (quantization-facts.md, Headroom).
std::vector<double> headroom(const npu::FloatNetwork& network, const ScaleClasses& classes, int64_t samples) {
    const bool few = samples < 10;
    std::vector<double> factor(network.tensors.size(), few ? 1.25 : 1.0);
    const double at_the_end = few ? 2.0 : 1.5;
    const auto set = [&](npu::TensorId id) { factor[classes.group()[static_cast<size_t>(id)]] = at_the_end; };
    for (const npu::Placement& output : network.outputs) set(output.tensor);
    for (size_t i = network.layers.size(); i-- > 0;) {
        const npu::FloatLayer& layer = network.layers[i];
        if (const auto* pool = std::get_if<npu::Pool>(&layer.attributes); pool != nullptr && pool->global) set(layer.output);
    }
    for (size_t i = network.layers.size(); i-- > 0;) {
        if (!std::holds_alternative<npu::Conv>(network.layers[i].attributes)) continue;
        set(network.layers[i].output);
        break;
    }
    return factor;
}

/// What a tensor's writer can make at all: the clamp of its activation.
Range clamp_of(const npu::FloatNetwork& network, size_t tensor) {
    constexpr double kOpen = std::numeric_limits<double>::infinity();
    for (const npu::FloatLayer& layer : network.layers) {
        if (static_cast<size_t>(layer.output) != tensor || layer.activation.kind != npu::ActivationKind::clamp) continue;
        return {std::min<double>(layer.activation.lo, 0), std::max<double>(layer.activation.hi, 0)};
    }
    return {-kOpen, kOpen};
}

}  // namespace

Scales choose_scales(const npu::FloatNetwork& network, const Statistics& statistics, const Values& values, int64_t samples,
                     const Options& options, ThreadPool& pool) {
    const bool per_channel = !options.without.contains("channel-scales");
    const ScaleClasses classes(network, per_channel);
    std::vector<Width> widths(network.tensors.size());
    if (per_channel && samples >= 2) widths = choose_widths(network, classes, statistics, values, samples, pool);
    std::vector<double> factor(network.tensors.size(), 1.0);
    if (!options.without.contains("headroom")) factor = headroom(network, classes, samples);

    Classes known = collect(network, classes, statistics, -1);
    Scales scales;
    std::vector<bool> is_input(network.tensors.size());
    for (const npu::Placement& input : network.inputs) is_input[static_cast<size_t>(input.tensor)] = true;
    for (size_t t = 0; t < network.tensors.size(); ++t) {
        const size_t g = classes.group()[t];
        const size_t channels = statistics.tensors[t].mean.size();
        npu::Quantization quantization;
        for (size_t c = 0; c < channels; ++c) {
            const auto slot = static_cast<size_t>(classes.of(static_cast<npu::TensorId>(t), static_cast<int64_t>(c)));
            Range range = widened(known.own[slot], known.whole[g], widths[g]);
            const double f = is_input[g] ? 1.0 : factor[g];
            // The clamp of the group's first tensor: all of a group have one code, so one bound serves them.
            const Range bound = clamp_of(network, g);
            range = {std::max(range.lo * f, bound.lo), std::min(range.hi * f, bound.hi)};
            const Code code = code_of(range);
            quantization.scale.push_back(code.scale);
            quantization.zero_point.push_back(code.zero_point);
        }
        const bool one = std::all_of(quantization.scale.begin(), quantization.scale.end(), [&](float s) { return s == quantization.scale[0]; }) &&
                         std::all_of(quantization.zero_point.begin(), quantization.zero_point.end(), [&](int32_t z) { return z == quantization.zero_point[0]; });
        if (one) {
            quantization.scale.resize(1);
            quantization.zero_point.resize(1);
        }
        scales.tensors.push_back(std::move(quantization));
    }
    for (const npu::Placement& input : network.inputs) {
        const auto t = static_cast<size_t>(input.tensor);
        const Range whole = known.whole[classes.group()[t]];
        const bool bytes = statistics.tensors[t].whole_numbers && whole.lo >= -128 && whole.hi <= (whole.lo < 0 ? 127 : 255);
        scales.whole_numbers.push_back(bytes);
        if (!bytes) continue;
        for (size_t other = 0; other < network.tensors.size(); ++other) {
            if (classes.group()[other] == classes.group()[t]) scales.tensors[other] = {{1.0F}, {whole.lo < 0 ? 0 : -128}};
        }
    }
    return scales;
}

}  // namespace calotype::quantize
