#include <gmock/gmock.h>

#include <limits>

#include "base/error.hpp"
#include "quantize/small_network.hpp"
#include "quantize/statistics.hpp"

namespace calotype::quantize {
namespace {

TEST(Statistics, ARunThatIsNotFiniteThoughTheFirstLookWasIsTheModelsFault) {
    tests::SmallNetwork small;
    small.output(small.conv("y", small.input("x", {2, 2, 3}), {1, 1}));
    Calibration calibration = small.calibration(2);
    const Values exact = calibration.exact;
    const Values random = [exact](int64_t sample) {
        auto values = exact(sample);
        if (sample == 1) values.at("y").values<float>()[5] = -std::numeric_limits<float>::infinity();
        return values;
    };
    ThreadPool pool(1);
    try {
        gather(small.network, random, 2, pool);
        FAIL() << "statistics of an infinity";
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(),
                     "SAMPLE_NOT_FINITE: value `y`: sample 1 gives NaN or an infinity, but gave none in an earlier "
                     "run: the model draws random numbers\n  try: take the random operator out of the model, or keep "
                     "its values away from where they overflow");
    }
}

TEST(Statistics, SamplesOfManyValuesAreFewerAtOnceThanThreads) {
    tests::SmallNetwork small;
    small.output(small.conv("y", small.input("x", {2, 2, 3}), {1, 1}));
    EXPECT_EQ(samples_at_once(small.network, 8), 8);
    small.network.tensors[0].shape = {5000, 5000, 3};  // 300 MB in FP32
    EXPECT_EQ(samples_at_once(small.network, 8), 3);
    small.network.tensors[0].shape = {50000, 5000, 3};
    EXPECT_EQ(samples_at_once(small.network, 8), 1);
}

}  // namespace
}  // namespace calotype::quantize
