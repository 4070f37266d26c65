// Weights on a grid of at most 127 codes are a quantized model's own; where the model's scales meet.

#include "quantize/own_numbers.hpp"

#include <gmock/gmock.h>

#include <random>

#include "quantize/small_network.hpp"

namespace calotype::quantize {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using tests::SmallNetwork;

constexpr float kScaleIn = 0.037F;

/// A fully connected layer over one input of scale kScaleIn.
struct Product {
    npu::FloatLayer layer;
    std::vector<npu::CodeTensor> tensors;

    Product(int64_t in, std::vector<float> weights, std::vector<float> bias) {
        const auto out = static_cast<int64_t>(bias.size());
        layer.attributes = npu::FullyConnected{in, out};
        layer.inputs = {static_cast<npu::TensorId>(0)};
        layer.output = static_cast<npu::TensorId>(1);
        layer.weights = std::move(weights);
        layer.bias = std::move(bias);
        tensors = {{"x", {in}, {{kScaleIn}, {3}}, npu::Precision::int8},
                   {"y", {out}, {{0.1F}, {0}}, npu::Precision::int8}};
    }
};

TEST(OwnNumbers, ARowOfCodesIsFoundByItsReals) {
    const float scale = 0.00123F;
    const std::vector<int8_t> codes{127, -3, 0, 64, -127, 1};
    std::vector<float> weights;
    for (const int8_t code : codes) weights.push_back(scale * static_cast<float>(code));
    const Product product(6, weights, {kScaleIn * scale * 12345});
    const auto own = own_weights(product.layer, product.tensors);
    ASSERT_TRUE(own);
    EXPECT_THAT(own->numbers.weights, ElementsAreArray(codes));
    EXPECT_THAT(own->numbers.bias, ElementsAre(12345));
    EXPECT_FLOAT_EQ(own->numbers.scale[0], scale);
}

TEST(OwnNumbers, ACoarseRowIsHeldByAFinerGridThatItLiesOn) {
    const Product product(3, {0.5F, -1.0F, 0.25F}, {0});  // codes 2, -4, 1
    const auto own = own_weights(product.layer, product.tensors);
    ASSERT_TRUE(own);
    EXPECT_THAT(own->numbers.weights, ElementsAre(62, -124, 31));
}

TEST(OwnNumbers, ARowOfZerosHoldsItsBias) {
    const Product product(2, {0, 0}, {7.5F});
    const auto own = own_weights(product.layer, product.tensors);
    ASSERT_TRUE(own);
    EXPECT_NEAR(static_cast<double>(own->numbers.bias[0]) * kScaleIn * own->numbers.scale[0], 7.5, 1e-6);
}

TEST(OwnNumbers, ADeadChannelIsItsBias) {
    const Product product(3, {1e-17F, -2e-17F, 3e-17F}, {0.75F});  // as INT32 at the weights' scale it would be 1e17
    const auto own = own_weights(product.layer, product.tensors);
    ASSERT_TRUE(own);
    EXPECT_THAT(own->numbers.weights, ElementsAre(0, 0, 0));
    EXPECT_NEAR(static_cast<double>(own->numbers.bias[0]) * kScaleIn * own->numbers.scale[0], 0.75, 1e-8);
}

TEST(OwnNumbers, ADeadChannelWhoseBiasFillsTheSum) {
    const double grid = 1.75 / (kScaleIn * 2147000000.0);  // ONNX Runtime's scale of such a row
    const auto w = [&](int code) { return static_cast<float>(grid * code); };
    const std::vector<float> weights{w(22), w(-7), w(13)};
    const Product product(3, weights, {1.75F});
    const auto own = own_weights(product.layer, product.tensors);
    ASSERT_TRUE(own);
    EXPECT_NEAR(static_cast<double>(own->numbers.bias[0]) * kScaleIn * own->numbers.scale[0], 1.75, 1e-8);
    EXPECT_LT(std::abs(static_cast<double>(own->numbers.bias[0])) + 255 * 42, 0x1p31);
}

TEST(StatedScales, FinerThanTheWriterCan) {
    SmallNetwork small;
    const auto x = small.input("x", {2, 2, 2});
    const auto y = small.layer("y", npu::Add{}, {x, x}, {2, 2, 2});
    small.output(small.layer("pool", npu::Upsample{}, {y}, {2, 2, 2}));
    small.network.tensors[0].stated = npu::Quantization{{0.1F}, {-3}};
    small.network.tensors[2].stated = npu::Quantization{{0.001F}, {9}};
    const npu::Network network = small.quantize().network;
    ASSERT_EQ(network.layers.size(), 3);
    EXPECT_TRUE(std::holds_alternative<npu::Requantize>(network.layers[1].attributes));
    const auto written = network.tensors[index_of(network.layers[0].output)].quantization;
    EXPECT_FLOAT_EQ(written.scale[0], 0.1F / 8);
    EXPECT_EQ(written.zero_point[0], 9);
    EXPECT_EQ(network.tensors[index_of(network.outputs[0].tensor)].quantization, *small.network.tensors[2].stated);
}

TEST(StatedScales, PassAClampAndZeroChannels) {
    SmallNetwork small;
    const auto x = small.input("x", {2, 2, 2});
    small.network.tensors[0].stated = npu::Quantization{{0.1F}, {-3}};
    npu::Pad pad;
    pad.channels_before = pad.channels_after = 1;
    const auto wide = small.layer("pad", pad, {x}, {2, 2, 4});
    const auto clamped = small.conv("relu", wide, {1, 1, 1, 1}, {npu::ActivationKind::clamp, 0, 6});
    small.output(clamped);
    npu::FloatLayer& relu = small.network.layers.back();
    relu.attributes = npu::Conv{4, 4, 4, {}};
    relu.weights.assign(4, 1.0F);
    EXPECT_TRUE(classes_that_agree(small.network).all_stated(clamped));
    EXPECT_TRUE(classes_of(small.network, true).all_stated());
    relu.weights[2] = 2;  // no longer the same codes
    EXPECT_TRUE(classes_of(small.network, true).none_stated(clamped));
}

TEST(OwnNumbers, TheOneCodeThatNoWeightCanBeIsClipped) {
    const float scale = 0.00123F;
    std::vector<float> weights;
    for (const int code : {-128, 3, 127, -77, 1}) weights.push_back(scale * static_cast<float>(code));
    const Product product(5, weights, {0});
    const auto own = own_weights(product.layer, product.tensors);
    ASSERT_TRUE(own);
    EXPECT_TRUE(own->clipped);
    EXPECT_THAT(own->numbers.weights, ElementsAre(-127, 3, 127, -77, 1));
    EXPECT_FLOAT_EQ(own->numbers.scale[0], scale);
    for (float& w : weights) w = -w;  // 128: no INT8 row
    EXPECT_FALSE(own_weights(Product(5, weights, {0}).layer, product.tensors));
}

TEST(OwnNumbers, MoreThan127CodesOrNoGridAreNotTheModelsOwn) {
    std::vector<float> wide{0.01F * 200, 0.01F * 3, 0.01F * 199};  // UINT8 codes behind a zero point
    EXPECT_FALSE(own_weights(Product(3, wide, {0}).layer, Product(3, wide, {0}).tensors));
    std::mt19937 generator(1);
    std::vector<float> any(64);
    for (float& w : any) w = static_cast<float>(generator() >> 8);
    EXPECT_FALSE(own_weights(Product(64, any, {0}).layer, Product(64, any, {0}).tensors));
}

npu::Quantization one(float scale, int32_t zero_point) { return {{scale}, {zero_point}}; }

npu::FloatTensor& tensor(SmallNetwork& small, npu::TensorId id) {
    return small.network.tensors[static_cast<size_t>(id)];
}

TEST(OwnNumbers, AStatedScaleIsKeptAndReachesWhatOnlyMovesIt) {
    SmallNetwork small;
    const auto x = small.input("x", {8, 8, 4});
    const auto map = small.conv("map", x, {1, 1, 1, 1});
    const auto flat = small.layer("flat", npu::Reshape{}, {map}, {256});
    small.output(flat);
    tensor(small, x).stated = one(0.02F, 5);
    tensor(small, flat).stated = one(0.03F, -7);
    const Result result = small.quantize();
    EXPECT_EQ(result.network.tensors[static_cast<size_t>(x)].quantization, one(0.02F, 5));
    EXPECT_EQ(result.network.tensors[static_cast<size_t>(map)].quantization, one(0.03F, -7));
    EXPECT_EQ(result.network.layers.size(), 2U);
}

TEST(OwnNumbers, TwoScalesThatMeetInAConcatAreRequantized) {
    SmallNetwork small;
    const auto x = small.input("x", {8, 8, 4});
    const auto a = small.conv("a", x, {1, 1}), b = small.conv("b", x, {9, 9});
    const auto joined = small.layer("joined", npu::Concat{2}, {a, b}, {8, 8, 4});
    small.output(joined);
    tensor(small, x).stated = one(0.02F, 5);
    tensor(small, a).stated = one(0.01F, 0);
    tensor(small, b).stated = one(0.1F, 0);
    tensor(small, joined).stated = one(0.1F, 0);
    const Result result = small.quantize();
    EXPECT_EQ(result.network.tensors[static_cast<size_t>(a)].quantization, one(0.01F, 0));
    EXPECT_EQ(result.network.tensors[static_cast<size_t>(joined)].quantization, one(0.1F, 0));
    std::vector<std::string> kinds;
    for (const npu::Layer& layer : result.network.layers) kinds.push_back(npu::kind_name(layer.attributes));
    EXPECT_THAT(kinds, ElementsAre("Conv", "Conv", "Requantize", "Concat"));
}

TEST(OwnNumbers, WhatReadsAScaleThatGrewIsAnew) {
    SmallNetwork small;
    const auto a = small.input("a", {8, 8, 4}), b = small.input("b", {8, 8, 4});  // of b the model says nothing
    const auto sum = small.layer("sum", npu::Add{}, {a, b}, {8, 8, 4});
    small.output(small.layer("moved", npu::Upsample{}, {sum}, {8, 8, 4}));
    tensor(small, a).stated = one(0.8F, 0);
    tensor(small, sum).stated = one(0.01F, 0);
    const Result result = small.quantize();
    ASSERT_EQ(result.errors.size(), 2U);
    EXPECT_FALSE(result.errors[1].own);
    EXPECT_EQ(result.errors[1].anew, "the scale of `sum` is too fine for the layer that writes it");
    EXPECT_FLOAT_EQ(result.network.tensors[static_cast<size_t>(sum)].quantization.scale[0], 0.1F);
}

}  // namespace
}  // namespace calotype::quantize
