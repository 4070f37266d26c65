#include "execute/resize.hpp"

#include <gtest/gtest.h>

namespace calotype::execute {
namespace {

End end(Dims dims, Dims split, std::vector<int64_t> axes, Dims shape) {
    return {{npu::TensorId{0}, "x", std::move(dims), std::move(split), std::move(axes)}, std::move(shape)};
}

// [N, C, H, W] in channels last, H and W in one axis of the split.
const End kMap = end({1, 8, 16, 12}, {8, 192}, {1, 0}, {16, 12, 8});

TEST(Resize, AMapGrowsFromItsValue) {
    const auto made = resized_to_dims(kMap, {1, 8, 20, 30});
    ASSERT_TRUE(made.has_value());
    EXPECT_EQ(made->placement.dims, (Dims{1, 8, 20, 30}));
    EXPECT_EQ(made->placement.split, (Dims{8, 600}));
    EXPECT_EQ(made->placement.axes, kMap.placement.axes);
    EXPECT_EQ(made->shape, (Dims{20, 30, 8}));
}

TEST(Resize, AMapGrowsFromItsTensor) {
    const auto made = resized_to_shape(kMap, {7, 5, 8});
    ASSERT_TRUE(made.has_value());
    EXPECT_EQ(made->placement.dims, (Dims{1, 8, 7, 5}));
    EXPECT_EQ(made->placement.split, (Dims{8, 35}));
}

TEST(Resize, OneChannelAndOneColumnKeepTheirAxes) {
    const End gray = end({1, 1, 9, 7}, {1, 9, 7}, {1, 2, 0}, {9, 7, 1});
    EXPECT_EQ(resized_to_dims(gray, {1, 1, 4, 7}).value().shape, (Dims{4, 7, 1}));
    const End row = end({1, 3, 9}, {3, 9}, {1, 0}, {1, 9, 3});
    EXPECT_EQ(resized_to_dims(row, {1, 3, 50}).value().shape, (Dims{1, 50, 3}));
}

TEST(Resize, AFlattenedMapFollowsItsTensor) {
    const End flat = end({1, 96}, {6, 16}, {1, 0}, {4, 4, 6});
    EXPECT_EQ(resized_to_shape(flat, {2, 4, 6}).value().placement.dims, (Dims{1, 48}));
    EXPECT_FALSE(resized_to_dims(flat, {1, 48}).has_value()) << "which axis of the tensor is halved is not known";
}

TEST(Resize, WhatIsNotTheSameAxesIsRefused) {
    EXPECT_FALSE(resized_to_dims(kMap, {2, 8, 16, 12}).has_value()) << "another batch";
    EXPECT_FALSE(resized_to_dims(kMap, {1, 8, 192}).has_value()) << "another rank";
    EXPECT_FALSE(resized_to_dims(end({1, 3, 1, 9}, {3, 9}, {1, 0}, {9, 3}), {1, 3, 2, 9}).has_value())
        << "an axis of size 1 grew";
    EXPECT_FALSE(resized_to_dims(end({1, 6, 4}, {2, 12}, {1, 0}, {12, 2}), {1, 6, 5}).has_value())
        << "the split crosses an axis";
}

TEST(Resize, TheSameSizeChangesNothing) {
    const auto made = resized_to_dims(kMap, kMap.placement.dims);
    ASSERT_TRUE(made.has_value());
    EXPECT_EQ(made->placement, kMap.placement);
    EXPECT_EQ(made->shape, kMap.shape);
}

}  // namespace
}  // namespace calotype::execute
