#include "base/tensor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

namespace calotype {
namespace {

using testing::ElementsAre;

Tensor of_bits(DataType type, const std::vector<uint16_t>& bits) {
    Tensor tensor(type, {static_cast<int64_t>(bits.size())});
    std::memcpy(tensor.bytes().data(), bits.data(), bits.size() * 2);
    return tensor;
}

TEST(Tensor, ElementCountRefusesNegativeAndOverflowingDims) {
    EXPECT_EQ(element_count(Dims{}), 1);
    EXPECT_EQ(element_count(Dims{2, 3, 0}), 0);
    EXPECT_EQ(element_count(Dims{2, 3, 4}), 24);
    EXPECT_THAT([] { element_count(Dims{2, -1}); }, testing::ThrowsMessage<Error>(testing::HasSubstr("[2, -1]")));
    EXPECT_THROW(element_count(Dims{int64_t{1} << 32, int64_t{1} << 32}), Error);
}

TEST(Tensor, IsZeroFilledAndReshapes) {
    const Tensor tensor(DataType::int32, {2, 3});
    EXPECT_EQ(tensor.bytes().size(), 24u);
    EXPECT_THAT(tensor.values<int32_t>(), ElementsAre(0, 0, 0, 0, 0, 0));
    EXPECT_EQ(tensor.reshaped({3, 2}).dims(), (Dims{3, 2}));
    EXPECT_THROW(tensor.reshaped({5}), std::logic_error);
    EXPECT_THROW((void)tensor.values<float>(), std::logic_error);
}

TEST(Tensor, DecodesHalfAndBfloat16) {
    const Tensor half = of_bits(DataType::float16, {0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0x7e00});
    const auto values = to_doubles(half);
    EXPECT_EQ(values[0], 1.0);
    EXPECT_EQ(values[1], -2.0);
    EXPECT_EQ(values[2], std::ldexp(1.0, -24));
    EXPECT_EQ(values[3], 65504.0);
    EXPECT_EQ(values[4], std::numeric_limits<double>::infinity());
    EXPECT_TRUE(std::isnan(values[5]));
    EXPECT_THAT(to_floats(of_bits(DataType::bfloat16, {0x3f80, 0xc040})), ElementsAre(1.0f, -3.0f));
}

TEST(Tensor, ConvertsEveryNumericType) {
    EXPECT_THAT(to_int64s(Tensor::of<uint8_t>({2}, std::vector<uint8_t>{0, 255})), ElementsAre(0, 255));
    EXPECT_THAT(to_doubles(Tensor::of<int8_t>({2}, std::vector<int8_t>{-128, 127})), ElementsAre(-128, 127));
    EXPECT_THAT(to_floats(Tensor::of<int64_t>({1}, std::vector<int64_t>{16777217})), ElementsAre(16777216.0f));
    EXPECT_THROW(to_int64s(Tensor(DataType::float32, {1})), Error);
    EXPECT_THROW(to_doubles(Tensor(DataType::string, {1})), Error);
}

}  // namespace
}  // namespace calotype
