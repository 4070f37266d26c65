#include "base/narrow_types.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/elements.hpp"

namespace calotype {
namespace {

using testing::ElementsAre;

Tensor codes(DataType type, const std::vector<uint8_t>& values) {
    const auto bytes = std::as_bytes(std::span(values));
    return Tensor(type, {std::ssize(values)}, {bytes.begin(), bytes.end()});
}

TEST(NarrowTypes, EveryFormatHasItsOwnZeroOneLargestAndNan) {
    struct Format {
        DataType type;
        uint8_t one, largest, nan;
        double most;
    };
    // onnx/docs/docsgen/source/technical/float8.md and float4.md, and the OCP MX specification 1.0 for E8M0.
    const Format formats[] = {{DataType::float8_e4m3fn, 0x38, 0x7e, 0xff, 448},
                              {DataType::float8_e4m3fnuz, 0x40, 0x7f, 0x80, 240},
                              {DataType::float8_e5m2, 0x3c, 0x7b, 0x7f, 57344},
                              {DataType::float8_e5m2fnuz, 0x40, 0x7f, 0x80, 57344},
                              {DataType::float8_e8m0fnu, 127, 254, 255, 0x1p127}};
    for (const Format& format : formats) {
        SCOPED_TRACE(name_of(format.type));
        EXPECT_EQ(narrow_value(format.type, format.one), 1.0);
        EXPECT_EQ(narrow_value(format.type, format.largest), format.most);
        EXPECT_TRUE(std::isnan(narrow_value(format.type, format.nan)));
    }
    EXPECT_EQ(narrow_value(DataType::float8_e5m2, 0xfc), -HUGE_VAL);
    EXPECT_EQ(narrow_value(DataType::float8_e4m3fn, 0x01), 0x1p-9);  // the least, without a leading one
    EXPECT_THAT(to_doubles(codes(DataType::float4_e2m1fn, {0, 1, 2, 3, 4, 5, 6, 7, 15})),
                ElementsAre(0, 0.5, 1, 1.5, 2, 3, 4, 6, -6));
}

TEST(NarrowTypes, IntegersAreTwosComplement) {
    EXPECT_THAT(to_int64s(codes(DataType::int4, {0, 7, 8, 15})), ElementsAre(0, 7, -8, -1));
    EXPECT_THAT(to_int64s(codes(DataType::uint4, {0, 7, 8, 15})), ElementsAre(0, 7, 8, 15));
    EXPECT_THAT(to_int64s(codes(DataType::int2, {0, 1, 2, 3})), ElementsAre(0, 1, -2, -1));
    EXPECT_THAT(to_int64s(codes(DataType::uint2, {0, 1, 2, 3})), ElementsAre(0, 1, 2, 3));
    EXPECT_THROW(to_int64s(codes(DataType::float8_e5m2, {0})), Error);
}

TEST(NarrowTypes, ArePackedFromTheLowestBitsOn) {
    const Tensor fours = codes(DataType::int4, {1, 15, 8});
    EXPECT_THAT(packed(fours), ElementsAre(std::byte{0xf1}, std::byte{0x08}));
    EXPECT_EQ(unpacked(DataType::int4, {3}, packed(fours)), fours);
    const Tensor twos = codes(DataType::uint2, {1, 2, 3, 0, 2});
    EXPECT_THAT(packed(twos), ElementsAre(std::byte{0x39}, std::byte{0x02}));
    EXPECT_EQ(unpacked(DataType::uint2, {5}, packed(twos)), twos);
    EXPECT_EQ(packed_bytes(DataType::int4, 3), 2);
    EXPECT_EQ(packed_bytes(DataType::float8_e5m2, 3), 3);
    EXPECT_EQ(packed_bytes(DataType::float32, 3), 12);
}

TEST(NarrowTypes, BitsAboveTheTypesOwnDoNotCount) {
    Tensor spoilt = codes(DataType::int4, {0xf1, 0x8f});
    EXPECT_EQ(packed(spoilt), packed(codes(DataType::int4, {1, 15})));
    clear_unused_bits(spoilt);
    EXPECT_EQ(spoilt, codes(DataType::int4, {1, 15}));
}

TEST(Elements, OfStringsAreCutAndPutTogetherAsBytesAre) {
    const Tensor words({2, 2}, {"a", "bc", "", "d"});
    EXPECT_EQ(copy_of(part_of(words, {1, 2}, 2)), Tensor({1, 2}, {"", "d"}));
    Tensor out(DataType::string, {3, 2});
    put(words, out, 2);
    EXPECT_EQ(out, Tensor({3, 2}, {"", "", "a", "bc", "", "d"}));
    EXPECT_EQ(picked(words, {4}, [](int64_t i) { return 3 - i; }), Tensor({4}, {"d", "", "bc", "a"}));
    EXPECT_EQ(words.reshaped({4}), Tensor({4}, {"a", "bc", "", "d"}));
    EXPECT_NE(words, Tensor({2, 2}, {"a", "bc", "", "e"}));
    EXPECT_EQ(content_bytes(words), static_cast<int64_t>(4 * sizeof(std::string)) + 4);
    EXPECT_THROW(put(words, out, 3), std::logic_error);
    EXPECT_THROW(put(Tensor(DataType::uint8, {1}), out, 0), std::logic_error);
}

}  // namespace
}  // namespace calotype
