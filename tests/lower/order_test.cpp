#include "lower/order.hpp"

#include <gmock/gmock.h>

#include <algorithm>

#include <random>

namespace calotype::lower {
namespace {

std::vector<int64_t> chained(const std::vector<int64_t>& first, const std::vector<int64_t>& second) {
    std::vector<int64_t> joined;
    for (const int64_t position : second) joined.push_back(first[static_cast<size_t>(position)]);
    return joined;
}

TEST(Order, ChannelsLast) {
    EXPECT_EQ(channels_last({1, 3, 4, 5}).axes, (std::vector<int64_t>{1, 2, 0}));
    EXPECT_EQ(channels_last_shape({1, 3, 4, 5}), (Dims{4, 5, 3}));
    EXPECT_EQ(channels_last_shape({1, 10}), (Dims{10}));
    EXPECT_EQ(source_positions(channels_last({1, 2, 1, 3})), (std::vector<int64_t>{0, 3, 1, 4, 2, 5}));
}

TEST(Order, AReshapeChangesNothingButATransposeDoes) {
    EXPECT_TRUE(same_permutation(Order::identity({2, 3, 4}), Order::identity({24})));
    EXPECT_TRUE(same_permutation(channels_last({1, 8, 1, 1}), Order::identity({8})));
    EXPECT_FALSE(same_permutation(channels_last({1, 8, 2, 1}), Order::identity({16})));
}

TEST(Order, AxesThatCutThroughEachOtherHaveNoCommonOrder) {
    EXPECT_FALSE(compose({{4, 3}, {1, 0}}, {{4, 3}, {1, 0}}).has_value());
    EXPECT_TRUE(compose({{4, 3}, {1, 0}}, {{3, 4}, {1, 0}}).has_value());
}

TEST(Order, WholeAxesMayBeOfPiecesButNotBeParted) {
    const auto axes = [](const Order& order, const Dims& sizes) { return whole_axes(order, sizes).value_or(Dims{}); };
    EXPECT_EQ(axes({{4, 5, 3}, {0, 1, 2}}, {20, 3}), (Dims{0, 1}));
    EXPECT_EQ(axes({{3, 4, 5}, {1, 2, 0}}, {3, 20}), (Dims{1, 0}));
    EXPECT_EQ(axes({{4, 5, 3}, {1, 0, 2}}, {20, 3}), Dims{});  // its pieces in another order
    EXPECT_EQ(axes({{4, 5, 3}, {0, 2, 1}}, {20, 3}), Dims{});  // another axis between them
    EXPECT_EQ(axes({{4, 5, 3}, {1, 2, 0}}, {20, 3}), Dims{});
    EXPECT_EQ(axes({{4, 6}, {1, 0}}, {4, 1, 6}), (Dims{1, 2, 0}));
    EXPECT_EQ(axes({{24}, {0}}, {4, 6}), (Dims{0, 1}));
    EXPECT_EQ(axes({{4, 3}, {1, 0}}, {3, 4}), Dims{});
}

TEST(Order, ComposeInverseAndSimplifiedMoveTheSameElements) {
    const Dims sizes{2, 3, 1, 4, 2};
    std::minstd_rand random(7);
    for (int round = 0; round < 500; ++round) {
        Order a = Order::identity(sizes);
        std::shuffle(a.axes.begin(), a.axes.end(), random);
        Order b = Order::identity(a.target());
        std::shuffle(b.axes.begin(), b.axes.end(), random);
        const auto joined = compose(a, b);
        ASSERT_TRUE(joined.has_value());
        EXPECT_EQ(source_positions(*joined), chained(source_positions(a), source_positions(b)));
        EXPECT_EQ(source_positions(simplified(*joined)), source_positions(*joined));
        const auto back = compose(a, inverse(a));
        ASSERT_TRUE(back.has_value());
        EXPECT_TRUE(same_permutation(*back, Order::identity({48})));
    }
}

}  // namespace
}  // namespace calotype::lower
