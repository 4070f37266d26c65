#include "npu/piecewise.hpp"

#include <algorithm>
#include <cmath>

#include "base/narrow.hpp"
#include "npu/fixed_point.hpp"
#include "npu/piecewise_cut.hpp"

namespace calotype::npu {
namespace {

using pieces::kInf;
using pieces::kPerBin;
using pieces::Line;
using pieces::Samples;
using pieces::Target;

// How many times the scales of a layer's channels may lie apart: the first where the table stays within its error.
constexpr double kMostApart = 32, kSurelyApart = 8;
constexpr double kMostErrorCodes = 3;

/// Slopes and intercepts in codes of `scale` times 2^r; false where one does not fit int16.
bool fill(PiecewiseLinear& table, const Samples& s, const std::vector<int>& ends, double scale) {
    table.slope.clear();
    table.intercept.clear();
    int first = 0;
    for (const int last : ends) {
        const double to_y16 = std::ldexp(1 / scale, table.r);
        const double slope = std::nearbyint(std::ldexp(pieces::chord(s, first, last).slope * to_y16, 15));
        if (std::abs(slope) > 32767) return false;
        const Line line = pieces::with_slope(s, static_cast<size_t>(first) * kPerBin,
                                             static_cast<size_t>(last) * kPerBin, std::ldexp(slope, -15) / to_y16);
        const double intercept = std::nearbyint(line.offset * to_y16);
        if (std::abs(intercept) > 32767) return false;
        table.slope.push_back(static_cast<int16_t>(slope));
        table.intercept.push_back(static_cast<int16_t>(intercept));
        first = last;
    }
    return true;
}

/// The step from the table's scale to each channel's. Ratios are at most 2^(r - 1), so that r2 >= 1 exists.
void fill_channels(PiecewiseLinear& table, const Quantization& output, double scale) {
    const double finest = *std::min_element(output.scale.begin(), output.scale.end());
    // A ratio is at least 1, so that r2 is below r.
    for (table.r2 = table.r - 1; table.r2 > 1; --table.r2)
        if (std::nearbyint(std::ldexp(scale / finest, 15 + table.r2 - table.r)) < 32768) break;
    for (size_t c = 0; c < output.scale.size(); ++c) {
        const double m = std::nearbyint(std::ldexp(scale / output.scale[c], 15 + table.r2 - table.r));
        table.channel_m.push_back(narrow<int16_t>(static_cast<int64_t>(m)));
        table.channel_zero_point.push_back(output.zero_point_of(static_cast<int64_t>(c)));
    }
    table.channel_lo.assign(output.scale.size(), -128);
    table.channel_hi.assign(output.scale.size(), 127);
}

/// One scale and zero point that reach what any channel's reach.
Quantization joined(const Target& target, double largest_scale) {
    const auto scale = static_cast<float>(std::max(largest_scale, (target.hi - target.lo) / 255));
    return {{scale}, {static_cast<int32_t>(std::clamp(std::nearbyint(-128 - target.lo / scale), -128.0, 127.0))}};
}

/// The finest scale of a channel beside the largest of a layer, so that a step from one to the other exists. r > 1.
float least_channel_scale(double largest_scale, double most_apart, int r) {
    return static_cast<float>(std::max(largest_scale / most_apart, std::ldexp(largest_scale, 1 - r) * (1 + 1e-4)));
}

double largest_error(const PiecewiseLinear& table, const Target& target, double scale_pre) {
    double worst = 0;
    const bool several = !table.channel_m.empty();
    for (int p = -32768; p <= 32767; ++p) {
        const double raw = activate(target.activation, p * scale_pre);
        const double reachable = std::clamp(raw, target.lo, target.hi);
        const double unit = target.unit(reachable);
        for (size_t c = 0; c < target.output.scale.size(); ++c) {
            if (several && target.output.scale[c] != unit) continue;
            const double scale = target.output.scale[c];
            const double exact = std::clamp(raw, target.low(c), target.high(c));
            const int code = piecewise_code(table, static_cast<int16_t>(p), static_cast<int64_t>(c));
            const double got = (code - target.output.zero_point_of(static_cast<int64_t>(c))) * scale;
            worst = std::max(worst, std::abs(got - exact) / scale);
            if (several) break;
        }
    }
    return worst;
}

/// The table whose scales are at most `most_apart` times apart.
PiecewiseResult with_scales_apart(const Activation& activation, std::span<const double> sum_scale, Quantization output,
                                  double most_apart) {
    while (true) {
        const Target target(activation, output);
        const double scale = *std::max_element(output.scale.begin(), output.scale.end());
        const double range = std::max({pieces::settles_at(target, 1), pieces::settles_at(target, -1), 1e-20});
        const double scale_pre = range / 32767;
        const Samples samples(target, scale_pre);
        const std::vector<int> ends = pieces::best_ends(samples);
        PiecewiseLinear table;
        for (size_t k = 0; k + 1 < ends.size(); ++k) table.breakpoints.push_back(static_cast<int8_t>(ends[k] - 128));
        for (table.r = 7; table.r >= 0 && !fill(table, samples, ends, scale); --table.r) {
        }
        if (output.per_channel() && table.r <= 1) {
            output = joined(target, scale);
            continue;
        }
        if (table.r < 0) {  // the function is too steep for this output scale
            output.scale[0] *= 1.125F;
            continue;
        }
        if (output.per_channel()) {
            const float least = least_channel_scale(scale, most_apart, table.r);
            if (std::ranges::any_of(output.scale, [&](float s) { return s < least; })) {
                for (float& s : output.scale) s = std::max(s, least);
                continue;
            }
            fill_channels(table, output, scale);
        }
        table.zero_point = output.zero_point_of(0);
        for (const double s : sum_scale) table.m16.push_back(static_cast<float>(s / scale_pre));
        const double error = largest_error(table, target, scale_pre);
        return {std::move(table), output, scale_pre, error};
    }
}

}  // namespace

double activate(const Activation& a, double x) {
    switch (a.kind) {
        case ActivationKind::none: return x;
        case ActivationKind::clamp: return std::clamp<double>(x, a.lo, a.hi);
        case ActivationKind::leaky_relu:
        case ActivationKind::prelu: return x < 0 ? a.alpha * x : x;
        case ActivationKind::sigmoid: return 1 / (1 + std::exp(-x));
        case ActivationKind::silu: return x / (1 + std::exp(-a.alpha * x));
        case ActivationKind::hard_swish: return x * std::clamp(x / 6 + 0.5, 0.0, 1.0);
        case ActivationKind::hard_sigmoid: return std::clamp(a.alpha * x + a.beta, 0.0, 1.0);
        case ActivationKind::tanh: return std::tanh(x);
        case ActivationKind::gelu_erf: return x * 0.5 * std::erfc(-x * 0.70710678118654752440);
        case ActivationKind::gelu_tanh:
            return x * 0.5 * (1 + std::tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
        case ActivationKind::mish: return x * std::tanh(x > 30 ? x : std::log1p(std::exp(x)));
        case ActivationKind::softplus: return x > 30 ? x : std::log1p(std::exp(x));
        case ActivationKind::elu: return x < 0 ? a.alpha * std::expm1(x) : x;
    }
    return x;
}

RealBounds reach_of(const Activation& a) {
    // Least values of those that fall below zero and rise again.
    const auto least_of_bend = [&]() -> double {
        switch (a.kind) {
            case ActivationKind::silu: return -0.27846454276107380 / a.alpha;
            case ActivationKind::hard_swish: return -0.375;
            case ActivationKind::gelu_erf: return -0.16997120747990369;
            case ActivationKind::gelu_tanh: return -0.17004075057125412;
            case ActivationKind::mish: return -0.30884341301725043;
            default: return kInf;
        }
    };
    if (a.kind == ActivationKind::silu && a.alpha <= 0) return {};  // its bend is a peak
    const auto far = [&](double x) {
        const double y = activate(a, x);
        return std::abs(y) < 1e6 ? y : std::copysign(kInf, y);
    };
    const double left = far(-1e30), middle = activate(a, 0), right = far(1e30);
    return {std::min({left, middle, right, least_of_bend()}), std::max({left, middle, right})};
}

int16_t piecewise_y16(const PiecewiseLinear& table, int16_t pre) {
    size_t k = 0;
    for (const int8_t b : table.breakpoints) k += b <= (pre >> 8) ? 1 : 0;
    return saturate16(mulr(table.slope[k], pre) + table.intercept[k]);
}

int8_t piecewise_code(const PiecewiseLinear& t, int16_t pre, int64_t channel) {
    const int16_t y16 = piecewise_y16(t, pre);
    if (t.channel_m.empty()) return clamp8((saturate16(y16 + half(t.r)) >> t.r) + t.zero_point, t.lo, t.hi);
    const auto c = static_cast<size_t>(channel);
    const int32_t scaled = saturate16(mulr(y16, t.channel_m[c]) + half(t.r2)) >> t.r2;
    return clamp8(scaled + t.channel_zero_point[c], t.channel_lo[c], t.channel_hi[c]);
}

PiecewiseResult make_piecewise(const Activation& activation, std::span<const double> sum_scale, Quantization output) {
    PiecewiseResult fine = with_scales_apart(activation, sum_scale, output, kMostApart);
    if (fine.error_codes <= kMostErrorCodes || !fine.output.per_channel()) return fine;
    return with_scales_apart(activation, sum_scale, std::move(output), kSurelyApart);
}

}  // namespace calotype::npu
