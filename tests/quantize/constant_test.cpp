// Tensors that the model holds: their ranges are known, and their codes are among the weights.

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "quantize/small_network.hpp"

namespace calotype::quantize {
namespace {

using ::testing::Gt;
using ::testing::IsEmpty;
using tests::SmallNetwork;

/// A map [8, 8, channels] among the weights whose channel c runs from -size[c] to size[c].
npu::TensorId constant(SmallNetwork& small, const std::vector<float>& size) {
    const auto channels = static_cast<int64_t>(size.size());
    small.network.tensors.push_back({"map", {8, 8, channels}, {channels, 8, 8}, {1, 2, 0}});
    auto& elements = small.network.tensors.back().constant;
    for (int64_t pixel = 0; pixel < 64; ++pixel)
        for (const float s : size) elements.push_back(s * (static_cast<float>(pixel) / 31.5F - 1));
    return static_cast<npu::TensorId>(small.network.tensors.size() - 1);
}

double error(const npu::FloatTensor& real, const npu::CodeTensor& coded) {
    double most = 0;
    for (size_t i = 0; i < real.constant.size(); ++i) {
        const auto c = static_cast<int64_t>(i) % npu::channels_of(real.shape);
        const double q = coded.constant[i] - coded.quantization.zero_point_of(c),
                     scale = coded.quantization.scale_of(c);
        most = std::max(most, std::abs(q * scale - real.constant[i]) / scale);
    }
    return most;
}

TEST(Constants, HaveTheFinestScaleOfTheirOwnValues) {
    SmallNetwork small;
    const auto x = small.conv("x1", small.input("x", {8, 8, 4}), {1, 1, 1});
    const auto map = constant(small, {1, 0.5F, 0.25F});
    small.output(small.conv("y", small.layer("sum", npu::Add{}, {x, map}, {8, 8, 3}), {1, 1}));
    const Result result = small.quantize();
    const npu::CodeTensor& coded = result.network.tensors[npu::index_of(map)];
    const float sizes[] = {1, 0.5F, 0.25F};
    for (int64_t c = 0; c < 3; ++c) EXPECT_FLOAT_EQ(coded.quantization.scale_of(c), 2 * sizes[c] / 255);
    EXPECT_LE(error(small.network.tensors[npu::index_of(map)], coded), 0.5001);
    for (const LayerError& layer : result.errors) EXPECT_THAT(layer.snr_db, Gt(30)) << layer.layer;
}

TEST(Constants, JoinedAlongTheChannelsKeepTheirScaleAndNoRoomIsLeftAboveThem) {
    SmallNetwork small;
    const auto x = small.conv("x1", small.input("x", {8, 8, 4}), {1, 1, 1});
    const auto map = constant(small, {0.01F, 40});
    const auto joined = small.layer("joined", npu::Concat{2}, {map, x}, {8, 8, 5});
    small.output(small.conv("y", joined, {1, 1}));
    const Result result = small.quantize();
    EXPECT_FLOAT_EQ(result.network.tensors[npu::index_of(joined)].quantization.scale_of(0), 0.02F / 255);
    EXPECT_FLOAT_EQ(result.network.tensors[npu::index_of(joined)].quantization.scale_of(1), 80.0F / 255);
}

// Channels of zeros are no constant whose range is known: at scale 1 an Add that reads them could write no finer than an
// eighth.
TEST(Constants, TheZerosOfAPadAreNone) {
    SmallNetwork small;
    const auto x = small.input("x", {8, 8, 4});
    const auto shortcut = small.conv("shortcut", x, {0.1F, 0.1F});
    const auto padded = small.layer("padded", npu::Pad{{}, {}, {}, 1, 1}, {shortcut}, {8, 8, 4});
    const auto branch = small.conv("branch", x, {0.01F, 0.1F, 0.1F, 0.01F});
    const auto sum = small.layer("sum", npu::Add{}, {padded, branch}, {8, 8, 4});
    small.output(small.conv("y", sum, {1, 1}));
    const Result result = small.quantize();
    for (int64_t c = 0; c < 4; ++c)
        EXPECT_LT(result.network.tensors[npu::index_of(sum)].quantization.scale_of(c), 0.01F) << c;
}

// The clamp of what stands beside it is not the constant's.
TEST(Constants, JoinedToAReluKeepTheirNegativeNumbers) {
    SmallNetwork small;
    const npu::Activation relu{npu::ActivationKind::clamp, 0, std::numeric_limits<float>::infinity(), 0, 0};
    const auto x = small.conv("x1", small.input("x", {8, 8, 4}), {1, 1}, relu);
    const auto map = constant(small, {1, 1});
    const auto rows = small.layer("rows", npu::Concat{0}, {x, map}, {16, 8, 2});
    small.output(small.conv("y", rows, {1, 1}));
    const Result result = small.quantize();
    EXPECT_LE(error(small.network.tensors[npu::index_of(map)], result.network.tensors[npu::index_of(map)]), 0.5001);
    for (const npu::Layer& layer : result.network.layers)
        EXPECT_FALSE(std::holds_alternative<npu::Requantize>(layer.attributes) && layer.inputs[0] == map)
            << "it is coded in the scale that its reader asks for";
}

TEST(Constants, ServeEverySampleOfABatch) {
    SmallNetwork small;
    const auto x = small.conv("x1", small.input("x", {8, 8, 4}), {1, 1, 1});
    const auto map = constant(small, {1, 2, 3});
    small.output(small.layer("sum", npu::Add{}, {x, map}, {8, 8, 3}));
    Calibration calibration = small.calibration(6);
    const auto pairs = [](const Values& values) {
        return [values](int64_t sample) {
            auto both = values(2 * sample);
            for (auto& [name, tensor] : values(2 * sample + 1)) {
                Tensor& first = both.at(name);
                std::vector<float> elements = to_floats(first);
                const std::vector<float> more = to_floats(tensor);
                elements.insert(elements.end(), more.begin(), more.end());
                Dims dims = first.dims();
                dims[0] = 2;
                first = Tensor::of<float>(dims, elements);
            }
            return both;
        };
    };
    ThreadPool pool(2);
    const Result one = quantize(small.network, calibration, {}, pool);
    for (npu::Placement& end : small.network.inputs) end.dims[0] = 2;
    for (npu::Placement& end : small.network.outputs) end.dims[0] = 2;
    const Result two = quantize(
        small.network, {pairs(calibration.exact), pairs(calibration.read), calibration.samples / 2, 2}, {}, pool);
    EXPECT_EQ(one.network.tensors[npu::index_of(map)], two.network.tensors[npu::index_of(map)]);
    EXPECT_THAT(two.errors.back().snr_db, Gt(30));
}

}  // namespace
}  // namespace calotype::quantize
