#pragma once

// The search behind make_piecewise: where a function is cut into straight pieces, and how well they fit.

#include <limits>
#include <vector>

#include "npu/layer.hpp"

namespace calotype::npu::pieces {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr int kBins = 256;  ///< what the high byte of `pre` tells apart
constexpr int kStep = 32;   ///< codes of `pre` between two samples of the search
constexpr int kPerBin = 256 / kStep;

/// The output's codes: which reals can be written, and how fine a code is there.
struct Target {
    const Activation& activation;
    const Quantization& output;
    double lo = kInf, hi = -kInf;

    Target(const Activation& a, const Quantization& q);
    double low(size_t i) const { return (-128.0 - output.zero_point_of(static_cast<int64_t>(i))) * output.scale[i]; }
    double high(size_t i) const { return (127.0 - output.zero_point_of(static_cast<int64_t>(i))) * output.scale[i]; }
    double exact(double x) const;
    /// The finest scale whose range reaches `y`.
    double unit(double y) const;
};

/// The smallest |x| on one side (1 or -1) beyond which the output moves by less than half a code; where the tail is
/// linear, where the output clamps.
double settles_at(const Target& target, double side);

/// The exact function at every kStep-th code of `pre`, as it is and within the codes; what may be overshot (the output
/// clamps) is open on that side.
struct Samples {
    std::vector<double> pre, raw, y, at_least, at_most, unit;
    double steepest;  ///< the slope that Q15 holds in codes of the coarsest scale
    Samples(const Target& target, double scale_pre);
};

/// A straight piece over bins [first, last): y = slope * pre + offset in reals per code of `pre`.
struct Line {
    double slope = 0, offset = 0, error = kInf;  ///< error in codes
};
/// Over samples [begin, end], both counted. The error only grows with the samples seen: a piece is given up, its error
/// infinite, once it exceeds `limit`.
Line with_slope(const Samples& s, size_t begin, size_t end, double slope, double limit = kInf);
/// Over bins [first, last).
Line chord(const Samples& s, int first, int last, double limit = kInf);

/// The ends of the pieces, exclusive bins: at most 16 with the least largest error, and of those with the least errors
/// over all bins.
std::vector<int> best_ends(const Samples& s);

}  // namespace calotype::npu::pieces
