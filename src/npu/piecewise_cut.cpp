#include "npu/piecewise_cut.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "npu/piecewise.hpp"

namespace calotype::npu::pieces {
namespace {

constexpr int kSegments = 16;
constexpr size_t kCheckEvery = 32;

}  // namespace

Target::Target(const Activation& a, const Quantization& q) : activation(a), output(q) {
    for (size_t i = 0; i < q.scale.size(); ++i) {
        lo = std::min(lo, low(i));
        hi = std::max(hi, high(i));
    }
}

double Target::exact(double x) const { return std::clamp(activate(activation, x), lo, hi); }

double Target::unit(double y) const {
    double finest = kInf;
    for (size_t i = 0; i < output.scale.size(); ++i)
        if (y >= low(i) && y <= high(i)) finest = std::min(finest, double{output.scale[i]});
    return finest < kInf ? finest : *std::max_element(output.scale.begin(), output.scale.end());
}

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

Samples::Samples(const Target& target, double scale_pre)
    : steepest(*std::ranges::max_element(target.output.scale) * 32767 / 32768) {
    for (int p = -32768; p <= 32768; p += kStep) {
        const double x = std::min(p, 32767) * scale_pre;
        pre.push_back(std::min(p, 32767));
        raw.push_back(activate(target.activation, x));
        y.push_back(std::clamp(raw.back(), target.lo, target.hi));
        at_least.push_back(raw.back() <= target.lo ? -kInf : y.back());
        at_most.push_back(raw.back() >= target.hi ? kInf : y.back());
        unit.push_back(target.unit(y.back()));
    }
}

Line with_slope(const Samples& s, size_t begin, size_t end, double slope, double limit) {
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
// pays. Where the output clamps within a piece, the chord of the function beyond may be the better one: a straight tail
// is then followed to the last code, whatever the bins are worth.
Line chord(const Samples& s, int first, int last, double limit) {
    const size_t begin = static_cast<size_t>(first) * kPerBin, end = static_cast<size_t>(last) * kPerBin;
    const auto slope = [&](const std::vector<double>& y) { return (y[end] - y[begin]) / (s.pre[end] - s.pre[begin]); };
    const Line clamped = with_slope(s, begin, end, slope(s.y), limit);
    if (slope(s.raw) == clamped.slope || std::abs(slope(s.raw)) >= s.steepest) return clamped;
    const Line followed = with_slope(s, begin, end, slope(s.raw), std::min(limit, clamped.error));
    return followed.error < clamped.error ? followed : clamped;
}

namespace {

struct Cut {
    std::vector<size_t> ends;  ///< of the pieces, exclusive
    float cost = 0;
};

/// Of `bins` bins, the at most 16 pieces [i, j) whose costs joined are the least, as few as reach it.
template <class Cost, class Join>
Cut least(size_t bins, const Cost& cost, const Join& join) {
    std::array<std::array<float, kBins + 1>, kSegments + 1> best;
    std::array<std::array<size_t, kBins + 1>, kSegments + 1> from{};
    for (auto& row : best) row.fill(std::numeric_limits<float>::infinity());
    best[0][0] = 0;
    for (size_t k = 1; k <= kSegments; ++k)
        for (size_t j = 1; j <= bins; ++j)
            for (size_t i = 0; i < j; ++i) {
                const float joined = join(best[k - 1][i], cost(i, j));
                if (joined < best[k][j]) {
                    best[k][j] = joined;
                    from[k][j] = i;
                }
            }
    size_t pieces = 1;
    for (size_t k = 2; k <= kSegments; ++k)
        if (best[k][bins] < best[pieces][bins]) pieces = k;
    Cut cut{std::vector<size_t>(pieces), best[pieces][bins]};
    for (size_t k = pieces, j = bins; k > 0; --k) {
        cut.ends[k - 1] = j;
        j = from[k][j];
    }
    return cut;
}

/// By first and last bin of a piece, its error; infinite beyond `limit`. Pieces end at multiples of `step`.
std::vector<std::array<float, kBins + 1>> errors_of_pieces(const Samples& s, int step, double limit) {
    const int bins = kBins / step;
    std::vector<std::array<float, kBins + 1>> error(static_cast<size_t>(bins));
    for (int i = 0; i < bins; ++i)
        for (int j = i + 1; j <= bins; ++j)
            error[static_cast<size_t>(i)][static_cast<size_t>(j)] =
                static_cast<float>(chord(s, i * step, j * step, limit).error);
    return error;
}

}  // namespace

/// A coarse cut first: what it reaches bounds the fine one, which then gives most pieces up after a few samples.
std::vector<int> best_ends(const Samples& s) {
    constexpr int kCoarse = 8;
    const auto largest = [](float a, float b) { return std::max(a, b); };
    const auto coarse = errors_of_pieces(s, kCoarse, kInf);
    const float reached = least(kBins / kCoarse, [&](size_t i, size_t j) { return coarse[i][j]; }, largest).cost;
    const auto error = errors_of_pieces(s, 1, reached * (1 + 1e-6));  // the errors are kept as float32
    const float worst = least(kBins, [&](size_t i, size_t j) { return error[i][j]; }, largest).cost;
    // Many cuts are no worse in their worst piece: of these the one that errs least everywhere else.
    const auto squares = [&](size_t i, size_t j) {
        return error[i][j] <= worst ? error[i][j] * error[i][j] * static_cast<float>(j - i)
                                    : std::numeric_limits<float>::infinity();
    };
    const Cut cut = least(kBins, squares, [](float a, float b) { return a + b; });
    return {cut.ends.begin(), cut.ends.end()};
}

}  // namespace calotype::npu::pieces
