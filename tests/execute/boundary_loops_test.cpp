#include "execute/boundary_loops.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace calotype::execute {
namespace {

std::vector<float> reals_of_every_kind(size_t count) {
    std::mt19937 random(11);
    std::vector<float> reals;
    constexpr float inf = std::numeric_limits<float>::infinity();
    const float special[] = {inf, -inf, std::nanf(""), 0.5F, -0.5F, 1.5F, 255, 256, -128, -129, 1e30F, -0.0F, 127.5F};
    std::uniform_real_distribution<float> any(-300, 300);
    for (size_t i = 0; i < count; ++i) {
        const float x = any(random);
        reals.push_back(i % 7 == 0 ? special[random() % std::size(special)] : i % 3 == 0 ? std::nearbyint(x) : x);
    }
    return reals;
}

TEST(BoundaryLoops, GiveTheBitsOfOneValueAtATime) {
    for (const int64_t count : {1, 31, 32, 33, 100, 4099})
        for (const bool whole : {false, true})
            for (const int32_t zero_point : {-128, 3, 127}) {
                const OneScale s{0.7F,
                                 float(-128 - zero_point),
                                 float(127 - zero_point),
                                 zero_point,
                                 {whole ? 0.0F : -128.0F, 255, whole}};
                const std::vector<float> reals = reals_of_every_kind(static_cast<size_t>(count));
                std::vector<int8_t> codes(reals.size()), expected;
                int64_t broken = 0;
                for (const float x : reals) {
                    expected.push_back(code_of(x, s.coefficient, s.lo, s.hi, s.zero_point));
                    broken += !(x >= s.type.lo && x <= s.type.hi && (!whole || std::nearbyint(x) == x));
                }
                EXPECT_EQ(reals_to_codes(reals.data(), codes.data(), count, s), broken);
                EXPECT_EQ(codes, expected) << count << " values, zero point " << zero_point;
            }
}

TEST(BoundaryLoops, PlanesBecomePixels) {
    for (const int64_t channels : {3, 4}) {
        std::vector<int8_t> planes(static_cast<size_t>(50 * channels)), pixels(planes.size());
        for (size_t i = 0; i < planes.size(); ++i) planes[i] = static_cast<int8_t>(i);
        planes_to_pixels(planes.data(), pixels.data(), 50, channels);
        for (int64_t p = 0; p < 50; ++p)
            for (int64_t c = 0; c < channels; ++c)
                ASSERT_EQ(pixels[static_cast<size_t>(p * channels + c)], planes[static_cast<size_t>(c * 50 + p)]);
    }
}

}  // namespace
}  // namespace calotype::execute
