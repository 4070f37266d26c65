#include "npu/arithmetic.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "npu/fixed_point.hpp"

namespace calotype::npu {
namespace {

using testing::Each;
using testing::ElementsAre;

Quantization scales(std::vector<float> scale) {
    const size_t count = scale.size();
    return {std::move(scale), std::vector<int32_t>(count, 0)};
}

TEST(WeightScale, TheLargestWeightIs127) {
    const std::vector<float> weights{0.5F, -1.27F, 0.1F};
    const auto made = quantize_weights(weights, std::vector<float>{0.25F}, std::vector<double>{0.1});
    EXPECT_THAT(made.weights, ElementsAre(50, -127, 10));
    EXPECT_FLOAT_EQ(made.scale[0], 0.01F);
    EXPECT_EQ(made.bias[0], 250);
}

TEST(WeightScale, ALargeBiasOverDeadWeightsFits) {
    const std::vector<float> dead(9, 1e-30F);
    const float scale = weight_scale(dead, 3.0F, 0.01);
    EXPECT_FLOAT_EQ(scale, static_cast<float>(3.0 / (0.01 * 0x1p30)));
    EXPECT_LE(std::abs(bias_code(3.0, 0.01, scale)), int64_t{1} << 30);
    EXPECT_EQ(weight_scale(std::vector<float>(9, 0.0F), 0.0F, 0.01), 1.0F);
}

TEST(WeightScale, DoublesUntilTheSumStaysWithin32Bits) {
    const std::vector<float> many(70'000, 1.0F);  // 255 * 127 * 70,000 > 2^31
    const float scale = weight_scale(many, 0.0F, 1.0);
    EXPECT_EQ(scale, 2 * weight_scale(std::span(many).first(100), 0.0F, 1.0));
    EXPECT_LT(int64_t{255} * 70'000 * std::llround(1 / double{scale}), int64_t{1} << 31);
}

TEST(Requantize, BoundsAreCodesOfTheOutput) {
    const Quantization output{{0.1F}, {-128}};
    const Requantization stage =
        make_requantization(std::vector<double>{0.5}, std::vector<float>{0.02F, 0.04F}, output, {0, 6});
    EXPECT_THAT(stage.m, ElementsAre(static_cast<float>(0.5 * double{0.02F} / double{0.1F}),
                                     static_cast<float>(0.5 * double{0.04F} / double{0.1F})));
    EXPECT_THAT(stage.lo, ElementsAre(-128));
    EXPECT_THAT(stage.hi, ElementsAre(-68));
    EXPECT_THAT(make_requantization(std::vector<double>{1}, std::vector<float>{1}, output).hi, ElementsAre(127));
}

TEST(Requantize, RoundsTiesToEvenAndClampsBeforeItConverts) {
    EXPECT_EQ(requantize(5, 0.5F, 0, -128, 127), 2);
    EXPECT_EQ(requantize(7, 0.5F, 0, -128, 127), 4);
    EXPECT_EQ(requantize(-5, 0.5F, 3, -128, 127), 1);
    EXPECT_EQ(requantize(2147483647, 1e6F, 0, -128, 127), 127);
    EXPECT_EQ(requantize(-2147483647, 1e6F, 5, -100, 127), -100);
}

TEST(AddScale, AnEighthOfTheInputsIsTheLeastAndLeavesR3) {
    const Quantization a = scales({0.8F}), b = scales({0.1F, 1.6F});
    const std::vector<float> least = least_add_scale(a, b);
    EXPECT_THAT(least, ElementsAre(0.1F, 0.2F));
    EXPECT_GE(make_add(a, b, scales(least)).r, 3);
    EXPECT_EQ(make_add(a, a, scales({8.0F})).r, 7);
}

TEST(AddScale, FactorsAreTheLargestThatFit) {
    const AddArithmetic add = make_add(scales({1.0F}), scales({0.5F}), scales({1.0F}));
    EXPECT_EQ(add.r, 6);  // 2^15 * 2^-1 = 16384; with r = 7 it is 32768
    EXPECT_THAT(add.ma, ElementsAre(16384));
    EXPECT_THAT(add.mb, ElementsAre(8192));
}

TEST(AddScale, WithoutAnyRIsAnError) {
    try {
        make_add(scales({1.0F}), scales({1.0F}), scales({1.0F / 200}));
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.text().code, "ARITHMETIC_SCALE");
    }
}

TEST(InputScales, AreAbsorbedByDenseLayersAndPassedOnByDepthwise) {
    const Quantization input = scales({0.5F, 1.0F});
    std::vector<float> weights{1, 1, 2, 2};  // [2 out, 1 tap, 2 in]
    absorb_input_scales(weights, Conv{2, 2, 1, {}}, input);
    EXPECT_THAT(weights, ElementsAre(0.5F, 1, 1, 2));
    EXPECT_THAT(input_scale(Conv{2, 2, 1, {}}, input), ElementsAre(1.0));
    EXPECT_THAT(input_scale(Conv{2, 4, 2, {}}, input), ElementsAre(0.5, 0.5, 1.0, 1.0));
}

TEST(GlobalAveragePool, ItsFactorFollowsTheMap) {
    Layer layer;
    set_global_average_pool(layer, scales({0.5F}), scales({0.25F}), 49);
    EXPECT_EQ(layer.pool_k, 2);
    EXPECT_THAT(std::get<Requantization>(layer.stage).m, Each(static_cast<float>(2.0 / 49)));
    EXPECT_THAT(global_average_stage(layer, 16).m, Each(0.125F));
}

}  // namespace
}  // namespace calotype::npu
