// Scales that grow until every table fits.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "npu/piecewise.hpp"
#include "quantize/scales.hpp"
#include "quantize/small_network.hpp"

namespace calotype::quantize {
namespace {

using tests::SmallNetwork;

npu::Crop one_channel(int64_t channel) {
    npu::Crop crop;
    crop.first[3] = channel;
    crop.end[3] = channel + 1;
    return crop;
}

TEST(Settle, WhatOneTableAsksForPassesThroughAnyNumberOfLayersThatShareAScale) {
    // Steep: several scales need one (tests/emulate/piecewise_test.cpp). The last layer has several, the others have one
    // until their neighbour's changes.
    npu::Activation leaky;
    leaky.kind = npu::ActivationKind::leaky_relu;
    leaky.alpha = 0.002F;
    constexpr int kLayers = 20;
    SmallNetwork small;
    const auto x = small.input("x", {4, 2});
    std::vector<npu::TensorId> made;
    for (int i = 0; i < kLayers; ++i) made.push_back(small.conv(fmt::format("made_{}", i), x, {1, 1}, leaky));
    for (size_t i = 0; i + 1 < made.size(); ++i) {
        const auto one = small.layer(fmt::format("one_{}", i), one_channel(1), {made[i]}, {4, 1});
        const auto other = small.layer(fmt::format("other_{}", i), one_channel(0), {made[i + 1]}, {4, 1});
        small.layer(fmt::format("both_{}", i), npu::Concat{0}, {one, other}, {8, 1});
    }
    Scales scales;
    scales.tensors.assign(small.network.tensors.size(), {{0.02F}, {-28}});
    scales.tensors[npu::index_of(made.back())] = {{0.02F, 0.018F}, {-28, -60}};
    settle(small.network, classes_of(small.network, true), scales);
    for (const npu::FloatLayer& layer : small.network.layers) {
        if (layer.activation.kind != npu::ActivationKind::leaky_relu) continue;
        const npu::Quantization& output = scales.tensors[npu::index_of(layer.output)];
        EXPECT_EQ(npu::make_piecewise(leaky, std::vector{1.0}, output).output, output) << layer.name;
        EXPECT_EQ(output, scales.tensors[npu::index_of(made[0])]) << layer.name << " shares its scale";
    }
}

TEST(Settle, AnInputOfBytesKeepsThemBesideATableWhoseChannelsAreFarApart) {
    npu::Activation leaky;
    leaky.kind = npu::ActivationKind::leaky_relu;
    leaky.alpha = 0.01F;
    SmallNetwork small;
    const auto x = small.input("x", {8, 8, 2});
    const auto made = small.conv("made", x, {1, 1}, leaky);        // one table, scales at most eight times apart
    small.network.layers.back().weights = {0.25F, 0.25F, 50, 50};  // positive: else bytes would be kept apart before
    const auto one = small.layer("one", one_channel(0), {x}, {8, 8, 1});
    const auto other = small.layer("other", one_channel(0), {made}, {8, 8, 1});
    small.output(small.conv("next", small.layer("both", npu::Concat{0}, {one, other}, {16, 8, 1}), {1}));
    small.output(small.conv("last", made, {1, 1}));
    const Result result = small.quantize({}, true);
    const npu::Quantization bytes{{1.0F}, {-128}};
    EXPECT_EQ(result.whole_numbers, std::vector{true});
    EXPECT_EQ(result.network.tensors[npu::index_of(x)].quantization, bytes);
}

}  // namespace
}  // namespace calotype::quantize
