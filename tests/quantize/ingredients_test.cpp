// What `--without` switches off is worth something where it is meant to be.

#include "quantize/ingredients.hpp"

#include <gmock/gmock.h>

#include <numeric>

#include "base/error.hpp"
#include "quantize/small_network.hpp"

namespace calotype::quantize {
namespace {

using tests::SmallNetwork;

/// y = a 1x1 convolution of x.
SmallNetwork one_layer() {
    SmallNetwork small;
    small.output(small.conv("y", small.input("x", {8, 8, 8}), {1, 1, 1, 1}));
    return small;
}

/// x changed by `change`, element by element of a sample.
template <class Change>
Values with_x(const Values& values, Change change) {
    return [=](int64_t sample) {
        auto by_name = values(sample);
        const auto x = by_name.at("x").values<float>();
        for (size_t i = 0; i < x.size(); ++i) x[i] = change(x, i);
        return by_name;
    };
}

double decibels(const SmallNetwork& small, const Calibration& calibration, const std::set<std::string>& without) {
    ThreadPool pool(1);
    return quantize(small.network, calibration, {without, {}}, pool).errors.back().snr_db;
}

TEST(Ingredients, EitherBiasCorrectionUndoesAShiftOfWhatIsRead) {
    const SmallNetwork small = one_layer();
    Calibration calibration = small.calibration(8);
    calibration.read = with_x(calibration.exact, [](const auto& x, size_t i) { return x[i] + 0.1F; });
    const std::string before = "bias-correction", after = "post-bias-correction";
    const double neither = decibels(small, calibration, {before, after});
    EXPECT_GT(decibels(small, calibration, {after}), neither + 6);  // the shift is more than half of the error
    EXPECT_GT(decibels(small, calibration, {before}), neither + 6);
}

TEST(Ingredients, GramRoundingHelpsWhereInputsGoTogether) {
    SmallNetwork small = one_layer();
    std::vector<float>& weights = small.network.layers[0].weights;
    for (size_t o = 0; o < 4; ++o) {  // their sum is small beside them: so is the output, beside the errors of codes
        const auto row = std::span(weights).subspan(o * 8, 8);
        row[7] = 0.2F - std::accumulate(row.begin(), row.end() - 1, 0.0F);
    }
    const Values alike = [=, random = small.calibration(8).exact](int64_t sample) {  // eight channels that are one
        auto by_name = with_x(random, [](const auto& x, size_t i) { return x[i / 8 * 8]; })(sample);
        const auto x = by_name.at("x").values<float>(), y = by_name.at("y").values<float>();
        for (size_t i = 0; i < y.size(); ++i) y[i] = 0.2F * x[i / 4 * 8];
        return by_name;
    };
    const Calibration calibration{alike, alike, 8, 1};
    EXPECT_GT(decibels(small, calibration, {}), decibels(small, calibration, {"gram-rounding"}) + 3);
}

TEST(Ingredients, HeadroomWidensTheRangeOfFewValues) {
    const auto factor = [](int64_t pixels) {
        SmallNetwork small;
        small.output(small.conv("y", small.input("x", {pixels, pixels, 8}), {1, 1, 1, 1}));
        const auto scale = [&](const std::set<std::string>& without) {
            return small.quantize(without).network.tensors.back().quantization.scale.at(0);
        };
        return scale({}) / scale({"headroom"});
    };
    EXPECT_GT(factor(1), 1.5);
    EXPECT_FLOAT_EQ(factor(150), 1);
}

TEST(Ingredients, HeadroomEndsWhereAnActivationDoes) {
    SmallNetwork small;
    const npu::Activation sigmoid{npu::ActivationKind::sigmoid, 0, 0, 0, 0};
    small.output(small.conv("y", small.input("x", {8, 8, 8}), {8, 8, 8, 8}, sigmoid));
    EXPECT_FLOAT_EQ(small.quantize().network.tensors.back().quantization.scale.at(0), 1 / 255.0F);
}

TEST(Ingredients, ChannelsOfUnlikeRangesGainByScalesOfTheirOwn) {
    SmallNetwork small;
    const auto map = small.conv("map", small.input("x", {16, 16, 4}), {100, 1, 1, 1});
    small.output(small.conv("y", map, {1, 1}));
    small.network.layers.back().weights[0] = small.network.layers.back().weights[4] = 0;  // the large one is not read
    const Calibration calibration = small.calibration(8);
    EXPECT_GT(decibels(small, calibration, {}), decibels(small, calibration, {"channel-scales"}) + 20);
}

TEST(Ingredients, AMisspeltOneIsNamedWithTheNearest) {
    try {
        Ingredients{{"head-room"}};
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_STREQ(
            error.what(),
            "OPTION_VALUE: `--without`: there is no ingredient `head-room`\n  try: the nearest is `headroom`, "
            "all are `bias-correction`, `channel-scales`, `gram-rounding`, `headroom`, `post-bias-correction`");
    }
}

}  // namespace
}  // namespace calotype::quantize
