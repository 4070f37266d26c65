#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "execute/batch.hpp"
#include "execute/boundary.hpp"
#include "execute/prepared_model.hpp"
#include "snapshot/example.hpp"

namespace calotype::execute {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

npu::Placement line(int64_t count) { return {npu::TensorId{0}, "x", {1, count}, {count}, {0}}; }

std::vector<int8_t> codes_of(const Conversion& conversion, std::vector<float> reals, Broken* broken = nullptr) {
    std::vector<int8_t> codes(reals.size());
    std::vector<float> spare;
    const Broken found = conversion.to_codes(reals.data(), codes, spare);
    if (broken != nullptr) *broken = found;
    return codes;
}

TEST(Boundary, RoundsTiesToEvenClampsAndTakesNaNAsZeroPoint) {
    constexpr float inf = std::numeric_limits<float>::infinity();
    const Conversion conversion(line(9), {{0.5F}, {3}}, Boundary::quantized);
    Broken broken;
    EXPECT_THAT(codes_of(conversion, {0, 0.25F, 0.75F, -0.25F, 1e30F, -1e30F, inf, -inf, std::nanf("")}, &broken),
                ElementsAre(3, 3, 5, 3, 127, -128, 127, -128, 3));
    EXPECT_EQ(broken.values, 5);
    EXPECT_EQ(broken.example, 1e30F);
}

TEST(Boundary, CountsRealsThatLieFurtherBeyondTheRangeThanItIsWide) {
    const Conversion one(line(6), {{0.5F}, {-128}}, Boundary::quantized);  // 0 to 127.5
    Broken broken;
    codes_of(one, {-1, 130, -127.5F, 255, -127.6F, 255.1F}, &broken);
    EXPECT_EQ(broken.values, 2);
    EXPECT_EQ(broken.example, -127.6F);
    const npu::Placement placement{npu::TensorId{0}, "x", {1, 2, 2}, {2, 2}, {1, 0}};  // channels first
    const Conversion two(placement, {{0.5F, 5.0F}, {-128, -128}}, Boundary::quantized);
    codes_of(two, {254, 256, 2540, 2560}, &broken);
    EXPECT_EQ(broken.values, 1) << "the widest channel's range counts";
    EXPECT_EQ(broken.example, 2560);
}

TEST(Boundary, EveryCodeSurvivesTheWayToRealsAndBack) {
    for (const float scale : {1e-9F, 0.0123F, 0.3333333F, 1.0F, 77.7F}) {
        for (const int32_t zero_point : {-128, -1, 0, 55, 127}) {
            const Conversion conversion(line(256), {{scale}, {zero_point}}, Boundary::quantized);
            std::vector<int8_t> codes(256);
            for (size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<int8_t>(static_cast<int>(i) - 128);
            std::vector<float> reals(256), spare;
            conversion.to_reals(codes, reals.data(), spare);
            EXPECT_EQ(codes_of(conversion, reals), codes) << "scale " << scale << ", zero point " << zero_point;
        }
    }
}

TEST(Boundary, Uint8CountsWhatIsNoWholeNumberInRange) {
    const Conversion conversion(line(7), {{1.0F}, {-128}}, Boundary::uint8);
    Broken broken;
    EXPECT_THAT(codes_of(conversion, {0, 255, 7, 2.5F, -1, 256, std::nanf("")}, &broken),
                ElementsAre(-128, 127, -121, -126, -128, 127, -128));
    EXPECT_EQ(broken.values, 4);
    EXPECT_EQ(broken.example, 2.5F);
    const std::vector<uint8_t> bytes{0, 255, 7, 2, 128, 127, 1};
    std::vector<int8_t> codes(7);
    std::vector<float> spare;
    EXPECT_EQ(conversion.to_codes(bytes.data(), codes, spare).values, 0);
    EXPECT_THAT(codes, ElementsAre(-128, 127, -121, -126, 0, -1, -127));
}

TEST(Boundary, PlacesChannelsLastWithAScaleEach) {
    const npu::Placement placement{npu::TensorId{0}, "x", {1, 2, 2, 3}, {2, 2, 3}, {1, 2, 0}};
    const Conversion conversion(placement, {{1.0F, 10.0F}, {0, 5}}, Boundary::quantized);
    const std::vector<float> reals{0, 1, 2, 3, 4, 5, 0, 10, 20, 30, 40, 50};
    std::vector<int8_t> codes(12);
    std::vector<float> spare, back(12);
    conversion.to_codes(reals.data(), codes, spare);
    EXPECT_THAT(codes, ElementsAre(0, 5, 1, 6, 2, 7, 3, 8, 4, 9, 5, 10));
    conversion.to_reals(codes, back.data(), spare);
    EXPECT_EQ(back, reals);
}

TEST(Permutation, MatchesThePlainDefinitionOnEveryOrderOfFourAxes) {
    const Dims dims{2, 3, 1, 4};
    std::vector<int32_t> source(24);
    for (size_t i = 0; i < source.size(); ++i) source[i] = static_cast<int32_t>(i);
    std::vector<int64_t> axes{0, 1, 2, 3};
    do {
        std::vector<int32_t> expected;
        const Dims strides{12, 4, 4, 1};
        const auto size = [&](size_t i) { return dims[static_cast<size_t>(axes[i])]; };
        const auto stride = [&](size_t i) { return strides[static_cast<size_t>(axes[i])]; };
        for (int64_t a = 0; a < size(0); ++a)
            for (int64_t b = 0; b < size(1); ++b)
                for (int64_t c = 0; c < size(2); ++c)
                    for (int64_t d = 0; d < size(3); ++d)
                        expected.push_back(
                            static_cast<int32_t>(a * stride(0) + b * stride(1) + c * stride(2) + d * stride(3)));
        const Permutation permutation(dims, axes);
        std::vector<int32_t> moved(24), back(24);
        permutation.apply(source.data(), moved.data());
        EXPECT_EQ(moved, expected) << to_string(axes);
        permutation.inverse().apply(moved.data(), back.data());
        EXPECT_EQ(back, source) << to_string(axes);
    } while (std::next_permutation(axes.begin(), axes.end()));
}

std::string error_of(const std::map<std::string, TensorView>& inputs) {
    const Model model = tests::example_model();
    try {
        count_runs(model, inputs);
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

TEST(Batch, WrongArraysAreNamed) {
    const Tensor image = tests::example_input(), flat(DataType::float32, {3, 6, 6}),
                 wide(DataType::float32, {1, 3, 6, 7}), none(DataType::float32, {0, 3, 6, 6}),
                 text(DataType::string, {1, 3, 6, 6});
    EXPECT_EQ(error_of({{"image", image}}), "no error");
    EXPECT_THAT(error_of({}), HasSubstr("INPUT_MISSING: input `image`"));
    EXPECT_THAT(error_of({{"image", image}, {"other", image}}),
                HasSubstr("INPUT_UNKNOWN: input `other`: the model has `image`"));
    EXPECT_THAT(error_of({{"image", flat}}),
                HasSubstr("INPUT_SHAPE: input `image`: its shape is [3, 6, 6], the model takes [-1, 3, 6, 6]"));
    EXPECT_THAT(error_of({{"image", wide}}), HasSubstr("INPUT_SHAPE"));
    EXPECT_THAT(error_of({{"image", none}}), HasSubstr("INPUT_SHAPE"));
    EXPECT_THAT(error_of({{"image", text}}), HasSubstr("INPUT_TYPE"));
}

TEST(PreparedModel, BatchAndThreadsChangeNoBit) {
    const Model model = tests::example_model();
    const Tensor images = tests::example_input(7);
    ThreadPool one(1), three(3);
    PreparedModel prepared(model, emulate::KernelSet::reference);
    const Tensor whole = prepared.run({{"image", images}}, one).at("y");
    EXPECT_EQ(whole.dims(), (Dims{7, 4, 3, 3}));
    EXPECT_EQ(prepared.run({{"image", images}}, three).at("y"), whole);
    for (int64_t i = 0; i < 7; ++i) {
        const TensorView single(DataType::float32, {1, 3, 6, 6}, images.bytes().data() + i * 108 * 4);
        const Tensor y = prepared.run({{"image", single}}, three).at("y");
        EXPECT_TRUE(std::equal(y.bytes().begin(), y.bytes().end(), whole.bytes().begin() + i * 36 * 4))
            << "sample " << i;
    }
    const auto reals = whole.values<float>();
    EXPECT_NE(*std::max_element(reals.begin(), reals.end()), *std::min_element(reals.begin(), reals.end()));
}

TEST(PreparedModel, CountsBrokenInputsOverAllRuns) {
    const Model model = tests::example_model();
    Tensor images = tests::example_input(4);
    images.values<float>()[108] = std::nanf("");
    images.values<float>()[400] = std::nanf("");
    ThreadPool pool(2);
    PreparedModel prepared(model, emulate::KernelSet::reference);
    prepared.run({{"image", images}}, pool);
    EXPECT_EQ(prepared.broken_inputs().values, 2);
    EXPECT_THAT(prepared.broken_inputs().example, HasSubstr("input `image`"));
}

// onnx.helper: one Softmax(axis=1) from `y` to `p`, float [1, 4, 3, 3], opset 17.
constexpr uint8_t kSoftmax[] = {
    8,  8,  18,  0,   58,  91, 10, 28,  10, 1, 121, 18, 1,   112, 34, 7,  83, 111, 102, 116, 109, 97, 120, 42, 11, 10,
    4,  97, 120, 105, 115, 24, 1,  160, 1,  2, 18,  1,  103, 90,  27, 10, 1,  121, 18,  22,  10,  20, 8,   1,  18, 16,
    10, 2,  8,   1,   10,  2,  8,  4,   10, 2, 8,   3,  10,  2,   8,  3,  98, 27,  10,  1,   112, 18, 22,  10, 20, 8,
    1,  18, 16,  10,  2,   8,  1,  10,  2,  8, 4,   10, 2,   8,   3,  10, 2,  8,   3,   66,  4,   10, 0,   16, 17};

/// The example model with a Softmax on ONNX Runtime behind it.
Model with_softmax() {
    Model model = tests::example_model();
    model.outputs = {{"p", DataType::float32, {-1, 4, 3, 3}, Boundary::plain, {}, {1, 4, 3, 3}}};
    model.subgraphs.push_back(CpuSubgraph{{std::begin(kSoftmax), std::end(kSoftmax)}, {"y"}, {"p"}});
    return model;
}

TEST(PreparedModel, ValuesPassFromTheNpuToOnnxRuntime) {
    const Model model = with_softmax(), npu_only = tests::example_model();
    PreparedModel prepared(model, emulate::KernelSet::reference);
    ThreadPool one(1), three(3);
    const Tensor images = tests::example_input(5);
    const Tensor p = prepared.run({{"image", images}}, one).at("p");
    EXPECT_EQ(prepared.run({{"image", images}}, three).at("p"), p);
    PreparedModel first(npu_only, emulate::KernelSet::reference);
    const Tensor y = first.run({{"image", images}}, one).at("y");
    for (size_t i = 0; i < 5 * 36; ++i) {
        const size_t sample = i / 36 * 36, pixel = i % 9;
        double sum = 0;
        for (size_t c = 0; c < 4; ++c) sum += std::exp(static_cast<double>(y.values<float>()[sample + c * 9 + pixel]));
        EXPECT_NEAR(p.values<float>()[i], std::exp(static_cast<double>(y.values<float>()[i])) / sum,
                    1e-6);  // float32 in ONNX Runtime
    }
}

}  // namespace
}  // namespace calotype::execute
