#include "npu/piecewise.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace calotype::npu {
namespace {

struct Case {
    ActivationKind kind;
    float alpha, beta, scale;
    int32_t zero_point;
};

class Tables : public testing::TestWithParam<Case> {};

// make_piecewise compares its table with the exact function on all 65,536 inputs; this repeats it from the stage alone.
double worst_error(const PiecewiseResult& r, const Activation& activation) {
    double worst = 0;
    const double scale = r.output.scale[0];
    for (int p = -32768; p <= 32767; ++p) {
        const double exact = activate(activation, p * r.scale_pre) / scale + r.output.zero_point[0];
        const int code = piecewise_code(r.stage, static_cast<int16_t>(p), 0);
        worst = std::max(worst, std::abs(code - std::clamp(exact, -128.0, 127.0)));
    }
    return worst;
}

TEST_P(Tables, StayWithinOneCodeOfTheFunction) {
    const Case& c = GetParam();
    Activation activation;
    activation.kind = c.kind;
    activation.alpha = c.alpha;
    activation.beta = c.beta;
    const std::vector<double> sum_scale{0.001};
    const PiecewiseResult r = make_piecewise(activation, sum_scale, {{c.scale}, {c.zero_point}});
    EXPECT_LE(r.stage.slope.size(), 16U);
    EXPECT_EQ(r.stage.breakpoints.size() + 1, r.stage.slope.size());
    EXPECT_NEAR(worst_error(r, activation), r.error_codes, 1e-9);
    // The code is rounded (1/2) and the exact value is not: a code off by one in rounding is below 1.5.
    EXPECT_LT(r.error_codes, 1.5) << name_of(c.kind) << " scale " << c.scale << " zero point " << c.zero_point;
    EXPECT_GE(r.output.scale[0], c.scale);
    EXPECT_LE(r.output.scale[0], c.scale * 2.5F);
}

INSTANTIATE_TEST_SUITE_P(
    All, Tables,
    testing::Values(
        Case{ActivationKind::sigmoid, 0, 0, 1 / 255.F, -128}, Case{ActivationKind::sigmoid, 0, 0, 0.01F, 0},
        Case{ActivationKind::tanh, 0, 0, 1 / 127.F, 0}, Case{ActivationKind::silu, 1, 0, 0.03F, -119},
        Case{ActivationKind::silu, 1, 0, 0.007F, -89}, Case{ActivationKind::silu, 1, 0, 0.16F, -126},
        Case{ActivationKind::silu, 1.702F, 0, 0.03F, -120}, Case{ActivationKind::gelu_erf, 0, 0, 0.03F, -122},
        Case{ActivationKind::gelu_erf, 0, 0, 0.1F, -126}, Case{ActivationKind::gelu_tanh, 0, 0, 0.02F, -120},
        Case{ActivationKind::mish, 0, 0, 0.03F, -118}, Case{ActivationKind::mish, 0, 0, 0.008F, -90},
        Case{ActivationKind::hard_swish, 0, 0, 0.03F, -115}, Case{ActivationKind::hard_swish, 0, 0, 0.1F, -124},
        Case{ActivationKind::hard_sigmoid, 0.2F, 0.5F, 1 / 255.F, -128},
        Case{ActivationKind::leaky_relu, 0.1F, 0, 0.05F, -100}, Case{ActivationKind::leaky_relu, 0.01F, 0, 0.02F, -126},
        Case{ActivationKind::leaky_relu, 0.3F, 0, 0.02F, -30}, Case{ActivationKind::prelu, 0.25F, 0, 0.02F, -100},
        Case{ActivationKind::softplus, 0, 0, 0.03F, -128}, Case{ActivationKind::elu, 1, 0, 0.02F, -78},
        Case{ActivationKind::elu, 1, 0, 0.1F, -118}));

// With a slope of 0.01 a bin of `pre` is a hundred codes on the positive side: the last one holds the clamp.
TEST(Piecewise, ATinySlopeThatReachesTheLowestCodeLeavesTheOtherSideExact) {
    const Activation leaky{ActivationKind::leaky_relu, 0, 0, 0.01F, 0};
    const PiecewiseResult r = make_piecewise(leaky, std::vector{0.001}, {{1 / 32.0F}, {1}});
    EXPECT_EQ(r.output.scale[0], 1 / 32.0F);
    EXPECT_LT(r.error_codes, 1.5);
}

// The worst error is that of rounding; of the cuts that reach it, one errs hardly anywhere else.
TEST(Piecewise, OfTheCutsThatAreNoWorseTheOneThatErrsLeast) {
    const Activation silu{ActivationKind::silu, 0, 0, 1, 0};
    const Quantization output{{0.16F}, {-126}};
    const PiecewiseResult r = make_piecewise(silu, std::vector{0.001}, output);
    double squares = 0;
    int count = 0;
    for (int p = -32768; p <= 32767; ++p) {
        const double exact = activate(silu, p * r.scale_pre) / 0.16F - 126;
        if (exact < -128 || exact > 127) continue;
        const double made = std::ldexp(piecewise_y16(r.stage, static_cast<int16_t>(p)), -r.stage.r) - 126;
        squares += (made - exact) * (made - exact);
        ++count;
    }
    EXPECT_LT(std::sqrt(squares / count), 0.015);
}

TEST_P(Tables, NeverGoBeyondWhatTheFunctionReaches) {
    const Case& c = GetParam();
    const Activation activation{c.kind, 0, 0, c.alpha, c.beta};
    const RealBounds reach = reach_of(activation);
    double least = 1e30, most = -1e30;
    for (double x = -40; x <= 40; x += 1e-3) {
        least = std::min(least, activate(activation, x));
        most = std::max(most, activate(activation, x));
    }
    // It is reached, or open where the function still grows at the end.
    EXPECT_TRUE(reach.lo == -std::numeric_limits<double>::infinity() ? least < -0.3
                                                                     : std::abs(reach.lo - least) < 1e-6);
    EXPECT_TRUE(reach.hi == std::numeric_limits<double>::infinity() ? most > 30 : std::abs(reach.hi - most) < 1e-6);
}

TEST(Piecewise, WritesSeveralScalesWithinThreeCodes) {
    Activation silu;
    silu.kind = ActivationKind::silu;
    silu.alpha = 1;
    const Quantization output{{0.03F, 0.012F, 0.005F, 0.02F}, {-119, -105, -72, -114}};
    const std::vector<double> sum_scale{0.001, 0.002, 0.003, 0.004};
    const PiecewiseResult r = make_piecewise(silu, sum_scale, output);
    EXPECT_EQ(r.stage.channel_m.size(), 4U);
    EXPECT_EQ(r.stage.m16.size(), 4U);
    EXPECT_GE(r.stage.r2, 1);
    EXPECT_LE(r.stage.r2, 7);
    EXPECT_LT(r.error_codes, 3.5);
}

/// A channel of the layer's largest scale and one that asks for a scale a thousand times finer.
PiecewiseResult far_apart(ActivationKind kind, float scale, int32_t zero_point) {
    Activation activation;
    activation.kind = kind;
    activation.alpha = 1;
    return make_piecewise(activation, std::vector<double>{0.001}, {{scale, scale / 1000}, {zero_point, zero_point}});
}

TEST(Piecewise, ScalesOfOneLayerStayWithinAFactorOfThirtyTwo) {
    const PiecewiseResult r = far_apart(ActivationKind::silu, 0.1F, -119);
    EXPECT_FLOAT_EQ(r.output.scale[0], 0.1F);
    EXPECT_NEAR(r.output.scale[1], 0.1 / 32, 1e-5);
    EXPECT_LE(r.error_codes, 3);
}

TEST(Piecewise, ScalesStayWithinAFactorOfEightWhereTheTableWouldErrTooMuch) {
    const PiecewiseResult r = far_apart(ActivationKind::silu, 0.85F, -119);
    EXPECT_FLOAT_EQ(r.output.scale[0], 0.85F);
    EXPECT_FLOAT_EQ(r.output.scale[1], 0.85F / 8);
    EXPECT_LE(r.error_codes, 3);
}

TEST(Piecewise, OneScaleWhereATableIsTooSteepForSeveral) {
    Activation leaky;  // -2 is reached at -1000: a step of the presum is more than a code on the other side
    leaky.kind = ActivationKind::leaky_relu;
    leaky.alpha = 0.002F;
    const Quantization output{{0.02F, 0.015F}, {-28, -60}};
    const PiecewiseResult r = make_piecewise(leaky, std::vector<double>{0.001, 0.001}, output);
    EXPECT_TRUE(r.stage.channel_m.empty());
    ASSERT_EQ(r.output.scale.size(), 1U);
    EXPECT_LT(r.output.scale[0], 0.02F * 1.6F) << "several scales would have to be four times as large";
    EXPECT_LE((-128 - r.output.zero_point[0]) * r.output.scale[0], -100 * 0.02F);
    EXPECT_GE((127 - r.output.zero_point[0]) * r.output.scale[0], 155 * 0.02F);
    EXPECT_EQ(make_piecewise(leaky, std::vector<double>{0.001}, r.output).output, r.output) << "it is settled";
}

}  // namespace
}  // namespace calotype::npu
