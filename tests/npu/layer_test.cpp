#include "npu/layer.hpp"

#include <gmock/gmock.h>

#include "npu/cost.hpp"

namespace calotype::npu {
namespace {

Conv conv(int64_t in, int64_t out, int64_t groups, int64_t kernel, int64_t stride, int64_t pad) {
    Conv made{in, out, groups, {}};
    made.window.height = made.window.width = {kernel, stride, 1, pad, pad};
    return made;
}

TEST(Layer, ShapesAreMapsWithTheirLeadingAxesLeftOut) {
    EXPECT_EQ(as_map({7}), (Map{1, 1, 1, 7}));
    EXPECT_EQ(as_map({5, 7}), (Map{1, 1, 5, 7}));
    EXPECT_EQ(as_map({}), (Map{1, 1, 1, 1}));
    EXPECT_EQ(as_shape({1, 4, 5, 7}, 3), (Dims{4, 5, 7}));
}

TEST(Layer, OutputShapes) {
    EXPECT_EQ(output_shape(conv(3, 8, 1, 3, 2, 1), {{32, 32, 3}}, {}), (Dims{16, 16, 8}));
    EXPECT_EQ(output_shape(FullyConnected{12, 5}, {{2, 2, 3}}, {}), (Dims{5}));
    EXPECT_EQ(output_shape(Pool{PoolKind::average, true, {}}, {{4, 5, 6}}, {}), (Dims{1, 1, 6}));
    EXPECT_EQ(output_shape(Concat{2}, {{4, 4, 3}, {4, 4, 5}}, {}), (Dims{4, 4, 8}));
    EXPECT_EQ(output_shape(Mul{}, {{4, 4, 3}, {4, 4, 1}}, {}), (Dims{4, 4, 3}));
    EXPECT_EQ(output_shape(Upsample{2, 3}, {{4, 4, 3}}, {}), (Dims{8, 12, 3}));
    const Upsample like{1, 1, TensorId{1}};
    EXPECT_EQ(output_shape(like, {{1, 1, 3}, {7, 5, 9}}, {}), (Dims{7, 5, 3}));
    EXPECT_EQ(output_shape(like, {{23, 4, 3}, {45, 8, 9}}, {}), (Dims{45, 8, 3}));
    EXPECT_THROW(output_shape(like, {{16, 4, 3}, {33, 8, 9}}, {}), Error);  // pixels of 2 and one of 3
    EXPECT_THROW(output_shape(like, {{16, 4, 3}, {15, 4, 9}}, {}), Error);
    EXPECT_EQ(sources_of_shape(like, {TensorId{0}}), (std::vector{TensorId{0}, TensorId{1}}));
    EXPECT_EQ(sources_of_shape(Upsample{2, 2}, {TensorId{0}}), (std::vector{TensorId{0}}));
    EXPECT_EQ(output_shape(SpaceToDepth{2}, {{4, 6, 3}}, {}), (Dims{2, 3, 12}));
    EXPECT_EQ(output_shape(Reshape{}, {{4, 6, 3}}, {72}), (Dims{72}));
}

TEST(Layer, ACropMeansTheSameAtEverySize) {
    Crop crop;
    crop.first = {0, 1, -4, 0};
    crop.step = {1, 2, 1, 1};
    crop.end = {Crop::kOpen, Crop::kOpen, -1, 2};
    EXPECT_EQ(output_shape(crop, {{6, 6, 3}}, {}), (Dims{3, 3, 2}));
    EXPECT_EQ(output_shape(crop, {{9, 8, 3}}, {}), (Dims{4, 3, 2}));
    EXPECT_EQ(output_shape(crop, {{2, 3, 1}}, {}), (Dims{1, 2, 1}));  // what lies beyond an end is cut off
    EXPECT_EQ(range_of(crop, {1, 9, 8, 3}).first, (std::array<int64_t, 4>{0, 1, 4, 0}));
    crop.first[2] = 5;
    EXPECT_THROW(output_shape(crop, {{6, 6, 3}}, {}), Error);  // nothing is left
}

TEST(Layer, OfAReshapeTheFirstAxisGrows) {
    EXPECT_EQ(output_shape(Reshape{}, {{4, 6, 3}}, {24, 3}), (Dims{24, 3}));
    EXPECT_EQ(output_shape(Reshape{}, {{5, 6, 3}}, {24, 3}), (Dims{30, 3}));
    EXPECT_EQ(output_shape(Reshape{}, {{5, 6, 3}}, {72}), (Dims{90}));
    EXPECT_THROW(output_shape(Reshape{}, {{5, 7, 3}}, {2, 6, 3}), Error);
}

TEST(Layer, WhatDoesNotFitIsAnError) {
    EXPECT_THROW(output_shape(conv(3, 8, 1, 5, 1, 0), {{4, 4, 3}}, {}), Error);
    EXPECT_THROW(output_shape(conv(3, 8, 1, 3, 1, 0), {{4, 4, 2}}, {}), Error);
    EXPECT_THROW(output_shape(Add{}, {{4, 4, 2}, {4, 4, 1}}, {}), Error);
    EXPECT_THROW(output_shape(FullyConnected{12, 5}, {{2, 2, 2}}, {}), Error);
    EXPECT_THROW(output_shape(SpaceToDepth{2}, {{5, 6, 3}}, {}), Error);
    EXPECT_THROW(output_shape(Concat{2}, {{4, 4, 3}, {4, 5, 5}}, {}), Error);
}

TEST(Layer, MacsAndNames) {
    EXPECT_EQ(macs(conv(16, 32, 1, 3, 1, 1), {8, 8, 32}), 8 * 8 * 32 * 16 * 9);
    EXPECT_EQ(macs(conv(16, 16, 16, 3, 1, 1), {8, 8, 16}), 8 * 8 * 16 * 9);
    EXPECT_EQ(macs(FullyConnected{12, 5}, {5}), 60);
    EXPECT_EQ(macs(Add{}, {8, 8, 16}), 0);
    EXPECT_EQ(kind_name(conv(16, 16, 16, 3, 1, 1)), "DepthwiseConv");
    EXPECT_EQ(kind_name(Pool{PoolKind::average, true, {}}), "GlobalAveragePool");
}

TEST(Cost, MoreWorkIsNeverCheaperAndUtilisationIsAShare) {
    const Config config = find_config(kDefaultConfig);
    int64_t before = 0;
    for (const int64_t size : {8, 16, 64, 224}) {
        const Cost made = cost(conv(64, 64, 1, 3, 1, 1), {{size, size, 64}}, {size, size, 64}, Precision::int8, config);
        EXPECT_GE(made.cycles, before);
        EXPECT_GT(made.utilisation, 0);
        EXPECT_LE(made.utilisation, 1);
        before = made.cycles;
    }
    const Cost int8 = cost(conv(64, 64, 1, 3, 1, 1), {{224, 224, 64}}, {224, 224, 64}, Precision::int8, config);
    const Cost bf16 = cost(conv(64, 64, 1, 3, 1, 1), {{224, 224, 64}}, {224, 224, 64}, Precision::bf16, config);
    EXPECT_GT(bf16.cycles, int8.cycles);
}

TEST(Cost, ALargeFullyConnectedLayerWaitsForItsWeights) {
    const Config config = find_config(kDefaultConfig);
    const Cost made = cost(FullyConnected{25088, 4096}, {{25088}}, {4096}, Precision::int8, config);
    EXPECT_TRUE(made.bandwidth_bound);
    const double weights = 1e6 * 4096 * (25088 + 4) / 102.4e9;  // with a bias of 4 bytes an output
    // The memory's rate is rounded down to 1/1024 of a byte a cycle.
    EXPECT_NEAR(config.microseconds(made.cycles), weights + config.microseconds(config.layer_overhead_cycles), 0.2);
}

}  // namespace
}  // namespace calotype::npu
