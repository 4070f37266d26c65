#pragma once

// Activations as tables of at most 16 straight segments (docs/arithmetic.md, Other activations).

#include <span>
#include <vector>

#include "npu/arithmetic.hpp"
#include "npu/layer.hpp"

namespace calotype::npu {

/// The activation in reals, float64: what a table is measured against.
double activate(const Activation& activation, double x);
/// What it never goes beyond, whatever it is given.
RealBounds reach_of(const Activation& activation);

struct PiecewiseResult {
    PiecewiseLinear stage;
    /// As asked, or with scales grown until the table fits; one scale where it leaves no room for several.
    Quantization output;
    double scale_pre = 0;
    double error_codes = 0;  ///< largest, over all 65,536 inputs, against the exact function
};

/// `sum_scale` is scale_in * weight_scale, one entry or one an output channel.
PiecewiseResult make_piecewise(const Activation& activation, std::span<const double> sum_scale, Quantization output);

/// One output of the table: the definition, for the compiler's check and the reference kernel.
int16_t piecewise_y16(const PiecewiseLinear& table, int16_t pre);
int8_t piecewise_code(const PiecewiseLinear& table, int16_t pre, int64_t channel);

}  // namespace calotype::npu
