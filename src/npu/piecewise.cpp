#include "npu/piecewise.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/narrow.hpp"
#include "npu/fixed_point.hpp"

namespace calotype::npu {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr int kBins = 256;  // what the high byte of `pre` tells apart
constexpr int kSegments = 16;
constexpr int kStep = 32;  // codes of `pre` between two samples of the search
constexpr int kPerBin = 256 / kStep;

/// The output's codes: which reals can be written, and how fine a code is there.
struct Target {
    const Activation& activation;
    const Quantization& output;
    double lo = kInf, hi = -kInf;

    Target(const Activation& a, const Quantization& q) : activation(a), output(q) {
        for (size_t i = 0; i < q.scale.size(); ++i) {
            lo = std::min(lo, low(i));
            hi = std::max(hi, high(i));
        }
    }
    double low(size_t i) const { return (-128.0 - output.zero_point_of(static_cast<int64_t>(i))) * output.scale[i]; }
    double high(size_t i) const { return (127.0 - output.zero_point_of(static_cast<int64_t>(i))) * output.scale[i]; }
    double exact(double x) const { return std::clamp(activate(activation, x), lo, hi); }
    /// The finest scale whose range reaches `y`.
    double unit(double y) const {
        double finest = kInf;
        for (size_t i = 0; i < output.scale.size(); ++i)
            if (y >= low(i) && y <= high(i)) finest = std::min(finest, double{output.scale[i]});
        return finest < kInf ? finest : *std::max_element(output.scale.begin(), output.scale.end());
    }
};

/// The smallest |x| on one side beyond which the output moves by less than half a code; where the tail is linear, where
/// the output clamps.
double settles_at(const Target& target, double side) {
    const double far = activate(target.activation, side * 1e30);
    const bool linear = std::abs(far) > 1e6;
    const double end = std::clamp(far, target.lo, target.hi);
    const double tolerance = linear ? 1e-9 * target.unit(end) : 0.5 * target.unit(end);
    const auto settled = [&](double x) { return std::abs(target.exact(side * x) - end) < tolerance; };
    double inner = 0x1p30;
    while (inner > 0x1p-30 && settled(inner)) inner /= 1.0905077326652577;  // 2^(1/8)
    double outer = inner * 1.0905077326652577;
    for (int i = 0; i < 60; ++i) {
        const double middle = (inner + outer) / 2;
        (settled(middle) ? outer : inner) = middle;
    }
    return outer;
}

/// A straight piece over bins [first, last): y = slope * pre + offset in reals per code of `pre`.
struct Line {
    double slope = 0, offset = 0, error = kInf;  // error in codes
};

/// The exact function at every kStep-th code of `pre`; what may be overshot (the output clamps) is open on that side.
struct Samples {
    std::vector<double> pre, y, at_least, at_most, unit;

    Samples(const Target& target, double scale_pre) {
        for (int p = -32768; p <= 32768; p += kStep) {
            const double x = std::min(p, 32767) * scale_pre;
            pre.push_back(std::min(p, 32767));
            const double raw = activate(target.activation, x);
            y.push_back(std::clamp(raw, target.lo, target.hi));
            at_least.push_back(raw <= target.lo ? -kInf : y.back());
            at_most.push_back(raw >= target.hi ? kInf : y.back());
            unit.push_back(target.unit(y.back()));
        }
    }
};

constexpr size_t kCheckEvery = 32;

/// The error only grows with the samples seen: a piece is given up, its error infinite, once it exceeds `limit`.
Line with_slope(const Samples& s, size_t begin, size_t end, double slope, double limit = kInf) {
    double above = -kInf, below = kInf, unit = kInf;
    const auto error = [&] { return std::max(0.0, (above - below) / 2) / unit; };
    for (size_t i = begin; i <= end;) {
        for (const size_t stop = std::min(end + 1, i + kCheckEvery); i < stop; ++i) {
            above = std::max(above, s.at_least[i] - slope * s.pre[i]);
            below = std::min(below, s.at_most[i] - slope * s.pre[i]);
            unit = std::min(unit, s.unit[i]);
        }
        if (above != -kInf && below != kInf && error() > limit) return {slope, 0, kInf};
    }
    if (above == -kInf) return {slope, below, 0};
    if (below == kInf) return {slope, above, 0};
    return {slope, (above + below) / 2, error()};
}

// The chord is the best slope for a convex or concave piece; a piece with both bends is split by the search where it
// pays.
Line chord(const Samples& s, int first, int last, double limit = kInf) {
    const size_t begin = static_cast<size_t>(first) * kPerBin, end = static_cast<size_t>(last) * kPerBin;
    return with_slope(s, begin, end, (s.y[end] - s.y[begin]) / (s.pre[end] - s.pre[begin]), limit);
}

struct Cut {
    std::vector<int> ends;  ///< of the pieces, exclusive bins
    float error = 0;        ///< the largest of a piece
};

/// The pieces with the least largest error, as few as reach it, that end at multiples of `step`. Finds it if it is at
/// most `limit`.
Cut best_cut(const Samples& s, int step, double limit) {
    const int bins = kBins / step;
    std::vector<std::array<float, kBins + 1>> error(static_cast<size_t>(bins));
    for (int i = 0; i < bins; ++i)
        for (int j = i + 1; j <= bins; ++j)
            error[static_cast<size_t>(i)][static_cast<size_t>(j)] =
                static_cast<float>(chord(s, i * step, j * step, limit).error);
    std::array<std::array<float, kBins + 1>, kSegments + 1> best;
    std::array<std::array<int, kBins + 1>, kSegments + 1> from{};
    for (auto& row : best) row.fill(std::numeric_limits<float>::infinity());
    best[0][0] = 0;
    const auto last = static_cast<size_t>(bins);
    for (size_t k = 1; k <= kSegments; ++k)
        for (size_t j = 1; j <= last; ++j)
            for (size_t i = 0; i < j; ++i) {
                const float worst = std::max(best[k - 1][i], error[i][j]);
                if (worst < best[k][j]) {
                    best[k][j] = worst;
                    from[k][j] = static_cast<int>(i);
                }
            }
    size_t pieces = 1;
    for (size_t k = 2; k <= kSegments; ++k)
        if (best[k][last] < best[pieces][last]) pieces = k;
    Cut cut{std::vector<int>(pieces), best[pieces][last]};
    for (size_t k = pieces, j = last; k > 0; --k) {
        cut.ends[k - 1] = static_cast<int>(j) * step;
        j = static_cast<size_t>(from[k][j]);
    }
    return cut;
}

/// A coarse cut first: what it reaches bounds the fine one, which then gives most pieces up after a few samples.
std::vector<int> best_ends(const Samples& s) {
    const double reached = best_cut(s, 8, kInf).error;
    return best_cut(s, 1, reached * (1 + 1e-6)).ends;  // the errors are kept as float32
}

/// Slopes and intercepts in codes of `scale` times 2^r; false where one does not fit int16.
bool fill(PiecewiseLinear& table, const Samples& s, const std::vector<int>& ends, double scale) {
    table.slope.clear();
    table.intercept.clear();
    int first = 0;
    for (const int last : ends) {
        const double to_y16 = std::ldexp(1 / scale, table.r);
        const double slope = std::nearbyint(std::ldexp(chord(s, first, last).slope * to_y16, 15));
        if (std::abs(slope) > 32767) return false;
        const Line line = with_slope(s, static_cast<size_t>(first) * kPerBin, static_cast<size_t>(last) * kPerBin,
                                     std::ldexp(slope, -15) / to_y16);
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
float least_channel_scale(double largest_scale, int r) {
    return static_cast<float>(std::max(largest_scale / 8, std::ldexp(largest_scale, 1 - r) * (1 + 1e-4)));
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
    while (true) {
        const Target target(activation, output);
        const double scale = *std::max_element(output.scale.begin(), output.scale.end());
        const double range = std::max({settles_at(target, 1), settles_at(target, -1), 1e-20});
        const double scale_pre = range / 32767;
        const Samples samples(target, scale_pre);
        const std::vector<int> ends = best_ends(samples);
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
            const float least = least_channel_scale(scale, table.r);
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

}  // namespace calotype::npu
