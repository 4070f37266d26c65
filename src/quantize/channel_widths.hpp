#pragma once

// How wide each channel's range is, between its own and its tensor's: chosen by cross-validation over the samples.

#include "quantize/range.hpp"
#include "quantize/scale_classes.hpp"
#include "quantize/statistics.hpp"

namespace calotype::quantize {

/// How wide a class of channels is: `own` is its range, `whole` that of the maps that it is part of, a Concat apart, both
/// cut at `share` of whole's larger end: what a few pixels reach may cost all others their precision.
struct Width {
    double times = 0;     ///< own range times this, at most whole; 0: see exponent
    double exponent = 0;  ///< own^exponent * whole^(1 - exponent); 0: whole
    double share = 1;     ///< what lies beyond this share of whole is clipped
};
Range widened(const Range& own, const Range& whole, const Width& width);

/// The ranges of the classes and groups over the samples but those of one fold (-1: all).
struct ClassRanges {
    std::vector<Range> own;    ///< by slot
    std::vector<Range> whole;  ///< by slot
};
ClassRanges class_ranges(const npu::FloatNetwork& network, const ScaleClasses& classes, const Statistics& statistics,
                         int64_t left_out);

/// By group: the width whose codes err least, in what the readers make of the error, on samples that its ranges did not
/// see. A raw minimum and maximum of a channel is a trap (few pixels, rare channels), so whole is what few values get.
std::vector<Width> choose_widths(const npu::FloatNetwork& network, const ScaleClasses& classes,
                                 const Statistics& statistics, const Values& values, int64_t samples, ThreadPool& pool);

}  // namespace calotype::quantize
