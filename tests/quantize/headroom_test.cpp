// The factor on a range costs another sample the least that it can be expected to cost.

#include "quantize/headroom.hpp"

#include <gmock/gmock.h>

#include <cmath>

namespace calotype::quantize {
namespace {

/// The cost by its definition, summed over the peaks that a sample may have. In units of the largest value seen, whose
/// place among the peaks is `z` standard deviations above their mean.
double cost(double factor, double values, double z) {
    constexpr double kSpread = 0.3, kStep = 1e-4;
    double clipped = 0;
    for (double t = -8; t < 8; t += kStep) {
        const double peak = 1 + (t - z) * kSpread;
        const double density = std::exp(-t * t / 2) / std::sqrt(2 * M_PI);
        clipped += density * kStep * std::pow(std::max(peak - factor, 0.0), 2);
    }
    return values * factor * factor / (12 * 255.0 * 255.0) + 3 * clipped;
}

TEST(Headroom, CostsLessThanAnyOther) {
    const struct {
        double samples, z;  // z: of the quantile samples / (samples + 1), from a table of the normal distribution
    } rows[] = {{1, 0}, {4, 0.8416}, {20, 1.6684}, {100, 2.3301}};
    for (const auto& row : rows) {
        for (const double values : {1.0, 10.0, 1000.0, 20000.0, 100000.0}) {
            const double chosen = headroom(values, row.samples), least = cost(chosen, values, row.z);
            for (double other = 1; other < 3; other += 0.05)
                EXPECT_GE(cost(other, values, row.z), least * (1 - 1e-6))
                    << values << " " << row.samples << " " << other;
        }
    }
}

TEST(Headroom, IsLessForMoreValuesAndForMoreSamples) {
    EXPECT_GT(headroom(10, 4), 1.7);
    EXPECT_GT(headroom(10, 4), headroom(10, 20) + 0.1);
    EXPECT_GT(headroom(10, 4), headroom(10000, 4) + 0.1);
    EXPECT_EQ(headroom(100000, 20), 1);
}

}  // namespace
}  // namespace calotype::quantize
