// Which tensors share scales, and where a Requantize layer stands.

#include <gmock/gmock.h>

#include <limits>

#include "quantize/small_network.hpp"

namespace calotype::quantize {
namespace {

using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::IsEmpty;
using tests::SmallNetwork;

constexpr double kLeastDecibels =
    30;  // 8 bits give a uniform distribution about 50, each rounding on the way costs some

std::vector<std::string> requantized(const npu::Network& network) {
    std::vector<std::string> values;
    for (const npu::Layer& layer : network.layers) {
        if (std::holds_alternative<npu::Requantize>(layer.attributes))
            values.push_back(network.tensors[static_cast<size_t>(layer.inputs[0])].value);
    }
    return values;
}

const npu::Quantization& scales_of(const npu::Network& network, npu::TensorId tensor) {
    return network.tensors[static_cast<size_t>(tensor)].quantization;
}

void expect_accurate(const Result& result) {
    for (const LayerError& error : result.errors) EXPECT_THAT(error.snr_db, Gt(kLeastDecibels)) << error.layer;
}

TEST(Scales, AFlattenedOutputIsWrittenInItsOneScaleWhereNobodyElseReads) {
    SmallNetwork small;
    const auto map = small.conv("map", small.input("x", {8, 8, 4}), {100, 1, 1, 1, 1, 1, 1, 1});
    const auto flat = small.layer("flat", npu::Reshape{}, {map}, {512});
    small.output(flat);
    const Result result = small.quantize();
    EXPECT_THAT(requantized(result.network), IsEmpty());
    EXPECT_FALSE(scales_of(result.network, flat).per_channel());
    EXPECT_EQ(scales_of(result.network, map), scales_of(result.network, flat));
}

// A map of another part beside its own ReLU: the clamp is the ReLU's, not the map's, in no channel.
TEST(Scales, WhatIsHandedOnKeepsWhatAReluBesideItCutsOff) {
    SmallNetwork small;
    const auto x = small.input("x", {8, 8, 4});
    small.network.handed_on.insert("x");
    const npu::Activation relu{npu::ActivationKind::clamp, 0, std::numeric_limits<float>::infinity(), 0, 0};
    const auto positive = small.conv("positive", x, {1, 1, 1, 1}, relu);
    const auto rows = small.layer("rows", npu::Concat{0}, {x, positive}, {16, 8, 4});
    small.output(small.conv("next", rows, {1, 1}));
    const Result result = small.quantize();
    for (int64_t c = 0; c < 4; ++c) EXPECT_GT(scales_of(result.network, x).zero_point_of(c), -128) << c;
}

TEST(Scales, AFlattenedOutputIsRequantizedWhereAnotherReaderWantsScalesPerChannel) {
    SmallNetwork small;
    const auto map = small.conv("map", small.input("x", {8, 8, 4}), {100, 1, 1, 1, 1, 1, 1, 1});
    small.output(small.layer("flat", npu::Reshape{}, {map}, {512}));
    small.output(small.conv("next", map, {1, 1}));
    const Result result = small.quantize();
    EXPECT_THAT(requantized(result.network), ElementsAre("map"))
        << "before the Reshape, which moves codes of one scale";
    EXPECT_TRUE(scales_of(result.network, map).per_channel());
    for (const npu::Placement& output : result.network.outputs)
        EXPECT_FALSE(scales_of(result.network, output.tensor).per_channel()) << output.value;
    expect_accurate(result);
    EXPECT_TRUE(made_from(small.network, result.network));
}

TEST(Scales, AnOutputOfEqualChannelsIsSharedWithItsOtherReader) {
    SmallNetwork small;
    const auto map = small.conv("map", small.input("x", {8, 8, 4}), {1, 1, 1, 1});
    small.output(map);
    small.output(small.conv("next", map, {1, 1}));
    const Result result = small.quantize();
    EXPECT_THAT(requantized(result.network), IsEmpty());
    EXPECT_FALSE(scales_of(result.network, map).per_channel());
}

TEST(Scales, ASummandThatWasZeroOnEverySampleCostsTheSumNothing) {
    SmallNetwork small;
    const auto x = small.input("x", {6, 6, 3});
    npu::Activation relu;
    relu.kind = npu::ActivationKind::clamp;
    relu.lo = 0;
    const auto dead = small.conv("dead", x, {1, 1}, relu);
    for (float& bias : small.network.layers.back().bias) bias = -100;
    const auto live = small.conv("live", x, {0.01F, 0.01F});  // far finer than an eighth of 1
    small.output(small.layer("sum", npu::Add{}, {dead, live}, {6, 6, 2}));
    const Result result = small.quantize();
    EXPECT_THAT(result.errors.back().snr_db, Gt(kLeastDecibels)) << result.errors.back().layer;
}

/// A small map plus what another part, or the caller, gives: whole numbers up to `most` on every sample.
double decibels_of_sum_with(size_t most, bool handed_on) {
    SmallNetwork small;
    const auto live = small.conv("live", small.input("x", {6, 6, 2}), {0.01F, 0.01F});
    const auto whole = small.input("whole", {6, 6, 2});
    if (handed_on) small.network.handed_on = {"whole"};
    small.output(small.layer("sum", npu::Add{}, {whole, live}, {6, 6, 2}));
    const quantize::Values values = [=, random = small.calibration(8).exact](int64_t sample) {
        auto by_name = random(sample);
        Tensor& given = by_name.at("whole");
        std::vector<float> numbers(6 * 6 * 2), sums;
        for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(i % (most + 1));
        given = Tensor::of<float>(given.dims(), numbers);
        for (size_t i = 0; i < numbers.size(); ++i) sums.push_back(numbers[i] + by_name.at("live").values<float>()[i]);
        by_name.at("sum") = Tensor::of<float>(given.dims(), sums);
        return by_name;
    };
    ThreadPool pool(1);
    return quantize::quantize(small.network, {values, values, 8, 1}, {}, pool).errors.back().snr_db;
}

TEST(Scales, ZerosThatAnotherPartHandsOnCostASumNothing) {
    EXPECT_THAT(decibels_of_sum_with(0, true), Gt(kLeastDecibels));
}

TEST(Scales, AMaskOfZerosAndOnesIsNoByteOfScaleOne) {
    constexpr double kEightBitsOfAMask = 45;  // a scale of 1 leaves the sum an eighth: 41 dB
    EXPECT_THAT(decibels_of_sum_with(1, true), Gt(kEightBitsOfAMask));
    EXPECT_THAT(decibels_of_sum_with(1, false), Gt(kEightBitsOfAMask));
}

/// Two maps joined along the height; the small one is also read by a convolution.
struct HeightConcat {
    SmallNetwork small;
    npu::TensorId low, high, both;
    explicit HeightConcat(float factor) {
        const auto x = small.input("x", {6, 6, 3});
        low = small.conv("low", x, {1, 1, 1, 1});
        high = small.conv("high", x, {factor, factor, factor, factor});
        both = small.layer("both", npu::Concat{0}, {low, high}, {12, 6, 4});
        small.output(small.conv("reader", both, {1, 1}));
    }
};

TEST(Scales, ConcatAlongTheHeightOfTwoRangesIsWrittenInOneScaleWhereNobodyElseReads) {
    const HeightConcat concat(100);
    const Result result = concat.small.quantize();
    EXPECT_THAT(requantized(result.network), IsEmpty());
    EXPECT_EQ(scales_of(result.network, concat.low), scales_of(result.network, concat.both));
    EXPECT_EQ(scales_of(result.network, concat.high), scales_of(result.network, concat.both));
}

TEST(Scales, ConcatAlongTheHeightRequantizesTheSmallerRangeThatIsReadElsewhere) {
    for (const bool per_channel : {true, false}) {
        HeightConcat concat(100);
        concat.small.output(concat.small.conv("other", concat.low, {1, 1}));
        const Result result =
            concat.small.quantize(per_channel ? std::set<std::string>{} : std::set<std::string>{"channel-scales"});
        EXPECT_THAT(requantized(result.network), ElementsAre("low"));
        EXPECT_EQ(scales_of(result.network, concat.high), scales_of(result.network, concat.both));
        EXPECT_LT(scales_of(result.network, concat.low).scale[0] * 10, scales_of(result.network, concat.both).scale[0]);
        EXPECT_THAT(result.errors.back().layer, "other");
        EXPECT_THAT(result.errors.back().snr_db, Gt(kLeastDecibels));
    }
}

TEST(Scales, RangesThatNearlyAgreeAreJoined) {
    HeightConcat concat(1.2F);
    concat.small.output(concat.small.conv("other", concat.low, {1, 1}));
    EXPECT_THAT(requantized(concat.small.quantize().network), IsEmpty());
}

TEST(Scales, AReshapeThatLeavesNoChannelAxisIsRequantizedWhereTheChannelsAreReadElsewhere) {
    SmallNetwork small;
    const auto map = small.conv("map", small.input("x", {8, 8, 4}), {50, 1, 1, 1, 1, 1, 1, 1, 1});
    const auto shuffled = small.layer("shuffled", npu::Reshape{}, {map}, {8, 9, 8});  // 9 and 8 channels: one class
    small.output(small.conv("reader", shuffled, {1, 1}));
    small.output(small.conv("other", map, {1, 1}));
    const Result result = small.quantize();
    EXPECT_THAT(requantized(result.network), ElementsAre("map"));
    EXPECT_TRUE(scales_of(result.network, map).per_channel());
    expect_accurate(result);
}

TEST(Scales, WholeNumbersStayInTheirByteBesideALargerRange) {
    SmallNetwork small;
    const auto x = small.input("x", {6, 6, 4});
    const auto wide = small.conv("wide", x, {3, 3, 3, 3});
    const auto both = small.layer("both", npu::Concat{0}, {x, wide}, {12, 6, 4});
    small.output(small.conv("reader", both, {1, 1}));
    const Result result = small.quantize({}, true);
    EXPECT_THAT(result.whole_numbers, ElementsAre(true));
    EXPECT_THAT(scales_of(result.network, x).scale, ElementsAre(1.0F));
    EXPECT_THAT(scales_of(result.network, x).zero_point, ElementsAre(-128));
    EXPECT_THAT(requantized(result.network), ElementsAre("x"));
    EXPECT_GT(scales_of(result.network, both).scale[0], 4.0F);
    expect_accurate(result);
}

TEST(Scales, AChannelBesideWholeNumbersKeepsItsOwnScale) {
    SmallNetwork small;
    const auto x = small.input("x", {6, 6, 2});
    const auto wide = small.conv("wide", x, {30, 0.01F});
    const auto both = small.layer("both", npu::Concat{2}, {x, wide}, {6, 6, 4});
    small.output(small.conv("reader", both, {1, 1}));
    const Result result = small.quantize({}, true);
    EXPECT_THAT(requantized(result.network), IsEmpty());
    EXPECT_EQ(scales_of(result.network, both).scale_of(0), 1.0F);
    EXPECT_NE(scales_of(result.network, both).scale_of(2), 1.0F);
    EXPECT_GT(result.errors[0].snr_db, kLeastDecibels) << "`wide` reaches far beyond one byte";
}

TEST(Scales, AClampBindsOnlyTheChannelsOfItsWriter) {
    // A ReLU beside negative values: its bound must not cut them.
    SmallNetwork small;
    const auto x = small.input("x", {6, 6, 3});
    const npu::Activation relu{npu::ActivationKind::clamp, 0, std::numeric_limits<float>::infinity(), 0, 0};
    const auto positive = small.conv("positive", x, {1, 1}, relu);
    const auto both_signs = small.conv("both_signs", x, {1, 1});
    const auto both = small.layer("both", npu::Concat{2}, {positive, both_signs}, {6, 6, 4});
    small.output(small.conv("reader", both, {1, 1}));
    const Result result = small.quantize();
    EXPECT_EQ(scales_of(result.network, both).zero_point_of(0), -128) << "no code below zero";
    EXPECT_GT(result.errors[1].snr_db, kLeastDecibels) << "`both_signs` is not cut at zero";
}

/// A large and a small map joined along the channels; the output is the joined map.
SmallNetwork joined(float large) {
    SmallNetwork small;
    const auto x = small.input("x", {16, 16, 4});
    const auto a = small.conv("large", x, {large, large}), b = small.conv("small", x, {1, 1});
    small.output(small.layer("joined", npu::Concat{2}, {a, b}, {16, 16, 4}));
    return small;
}

TEST(Scales, AnOutputThatIsHandedOnHasAScalePerChannel) {
    SmallNetwork small = joined(1000);
    EXPECT_FALSE(scales_of(small.quantize().network, small.network.outputs[0].tensor).per_channel());
    small.network.handed_on = {"joined"};
    const Result result = small.quantize();
    EXPECT_TRUE(scales_of(result.network, small.network.outputs[0].tensor).per_channel());
    expect_accurate(result);
}

// What another part of the model hands on is no input of the model: the runner converts each channel by its own scale.
TEST(Scales, AnInputThatIsHandedOnHasAScalePerChannel) {
    SmallNetwork whole;
    const auto parts = whole.conv("parts", whole.input("x", {16, 16, 4}), {100, 1, 1, 1});
    whole.output(parts);
    whole.output(whole.conv("read", parts, {1, 1}));
    npu::FloatNetwork second = whole.network;
    second.layers.erase(second.layers.begin());
    second.inputs = {second.outputs[0]};
    second.outputs = {second.outputs[1]};
    ThreadPool pool(1);
    const auto quantized = [&] { return quantize(second, whole.calibration(8), {}, pool); };
    EXPECT_FALSE(scales_of(quantized().network, parts).per_channel());
    second.handed_on = {"parts"};
    const Result result = quantized();
    EXPECT_TRUE(scales_of(result.network, parts).per_channel());
    expect_accurate(result);
}

TEST(Scales, WhatAConcatPutsBesideAChannelDoesNotWidenIt) {
    const auto small_scale = [](float large) {
        SmallNetwork small = joined(large);
        small.network.handed_on = {"joined"};
        return scales_of(small.quantize().network, small.network.layers[1].output).scale.front();
    };
    EXPECT_FLOAT_EQ(small_scale(1000), small_scale(1));
}

}  // namespace
}  // namespace calotype::quantize
