// With a range of f times the largest value seen, in units of that value, another sample is expected to cost
//
//     values * f^2 / (12 * 255^2)         rounding: a step is f / 255 (Bennett 1948)
//   + kTogether * E[max(peak - f, 0)^2]   clipping: the largest value of the sample, its peak, and what lies beside it
//
// Peaks are taken as normal, of standard deviation kSpread, and the largest of n of them as their quantile n / (n + 1), z.
// Then E[max(peak - f, 0)^2] falls with f at 2 * kSpread * loss(z + (f - 1) / kSpread), where loss(t) = p(t) - t * P(> t)
// is the unit normal loss (Raiffa and Schlaifer 1961, 5.1), and the sum is least where both terms change alike.
//
// The spread is one for all, for the peaks of 4 to 20 samples do not tell it: what estimates of it cost, map by map or a
// network at a time, is in docs/accuracy.md.

#include "quantize/headroom.hpp"

#include <cmath>
#include <numbers>

namespace calotype::quantize {
namespace {

constexpr double kSpread = 0.3;
/// Clipped values lie side by side and err to the same side: what reads them adds up the errors, as it does not those of
/// rounding.
constexpr double kTogether = 3;
constexpr double kMost = 3;

double beyond(double t) { return std::erfc(t / std::numbers::sqrt2) / 2; }

double unit_normal_loss(double t) { return std::exp(-t * t / 2) / std::sqrt(2 * std::numbers::pi) - t * beyond(t); }

/// Where `falls`, which is positive at `first` and falls, becomes zero; `last` if it does so later.
template <class Function>
double zero_of(Function falls, double first, double last) {
    for (int halving = 0; halving < 40; ++halving) {
        const double middle = (first + last) / 2;
        (falls(middle) > 0 ? first : last) = middle;
    }
    return last;
}

}  // namespace

double headroom(double values, double samples) {
    const double z = zero_of([&](double t) { return beyond(t) - 1 / (samples + 1); }, -1, 10);
    const auto saved = [&](double factor) {
        const double rounding = values * factor / (12 * 255.0 * 255.0);
        return kTogether * kSpread * unit_normal_loss(z + (factor - 1) / kSpread) - rounding;
    };
    return saved(1) > 0 ? zero_of(saved, 1, kMost) : 1;
}

std::vector<double> headroom(const npu::FloatNetwork& network, const ScaleClasses& classes,
                             const Statistics& statistics, int64_t samples) {
    std::vector<double> values(network.tensors.size()), tensors(values.size());
    for (size_t t = 0; t < values.size(); ++t) {
        if (!network.tensors[t].constant.empty()) continue;
        const TensorStatistics& of = statistics.tensors[t];
        values[classes.group()[t]] += static_cast<double>(of.values_per_channel) * static_cast<double>(of.mean.size());
        tensors[classes.group()[t]] += 1;
    }
    const auto n = static_cast<double>(samples);
    std::vector<double> factor(values.size(), 1.0);
    for (size_t g = 0; g < factor.size(); ++g)
        if (tensors[g] > 0) factor[g] = headroom(values[g] / tensors[g] / n, n);
    return factor;
}

}  // namespace calotype::quantize
