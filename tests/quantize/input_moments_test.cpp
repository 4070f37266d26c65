#include "quantize/input_moments.hpp"

#include <gmock/gmock.h>

#include <random>

#include "quantize/gram_rounding.hpp"

namespace calotype::quantize {
namespace {

struct Case {
    const char* what;
    npu::Conv conv;
    Dims input;
};

/// The definition: each window's inputs gathered, padding zero.
InputMoments plain(const npu::Conv& conv, const npu::Map& in, const npu::Map& out,
                   const npu::Quantization& quantization, std::span<const int8_t> codes) {
    InputMoments moments = make_moments(conv, true);
    const int64_t per_group = conv.in_channels / conv.groups, k = moments.k;
    for (int64_t h = 0; h < out.height; ++h)
        for (int64_t w = 0; w < out.width; ++w) {
            ++moments.windows;
            ++moments.gram_windows;
            for (int64_t group = 0; group < conv.groups; ++group) {
                std::vector<int64_t> x;
                for (int64_t kh = 0; kh < conv.window.height.kernel; ++kh)
                    for (int64_t kw = 0; kw < conv.window.width.kernel; ++kw)
                        for (int64_t c = group * per_group; c < (group + 1) * per_group; ++c) {
                            const auto& [wd, wh, ww] = conv.window;
                            const int64_t y = h * wh.stride + kh * wh.dilation - wh.pad_before;
                            const int64_t s = w * ww.stride + kw * ww.dilation - ww.pad_before;
                            const bool inside = y >= 0 && y < in.height && s >= 0 && s < in.width;
                            const auto at = static_cast<size_t>((y * in.width + s) * in.channels + c);
                            x.push_back(inside ? codes[at] - quantization.zero_point_of(c) : 0);
                        }
                for (size_t i = 0; i < x.size(); ++i) {
                    moments.sum[static_cast<size_t>(group * k) + i] += x[i];
                    moments.gram_sum[static_cast<size_t>(group * k) + i] += x[i];
                    for (size_t j = 0; j < x.size(); ++j)
                        moments.gram[static_cast<size_t>(group * k * k) + i * x.size() + j] += x[i] * x[j];
                }
            }
        }
    return moments;
}

npu::Conv conv(int64_t in, int64_t out, int64_t groups, npu::Axis height, npu::Axis width) {
    return {in, out, groups, {{}, height, width}};
}

TEST(InputMoments, AreTheSumsOverAllWindows) {
    const std::vector<Case> cases = {
        {"dense", conv(3, 8, 1, {3, 2, 1, 1, 1}, {3, 2, 1, 0, 1}), {23, 21, 3}},
        {"pointwise", conv(11, 4, 1, {}, {}), {19, 17, 11}},
        {"depthwise", conv(13, 13, 13, {5, 1, 1, 2, 2}, {3, 1, 2, 2, 2}), {20, 19, 13}},
        {"depthwise by two", conv(3, 6, 3, {3, 1, 1, 1, 1}, {3, 1, 1, 1, 1}), {9, 40, 3}},
        {"grouped", conv(6, 4, 2, {2, 1, 1, 0, 0}, {2, 1, 1, 0, 0}), {18, 18, 6}},
        {"one channel", conv(1, 4, 1, {5, 1, 1, 2, 2}, {5, 1, 1, 2, 2}), {28, 28, 1}},
    };
    std::mt19937 random(7);
    for (const Case& one : cases) {
        SCOPED_TRACE(one.what);
        const npu::Map in = npu::as_map(one.input);
        const npu::Map out{1, one.conv.window.height.output(in.height), one.conv.window.width.output(in.width),
                           one.conv.out_channels};
        npu::Quantization quantization;
        std::vector<int8_t> codes(static_cast<size_t>(in.elements()));
        for (int8_t& code : codes) code = static_cast<int8_t>(static_cast<int>(random() % 256) - 128);
        for (int64_t c = 0; c < in.channels; ++c) {
            quantization.scale.push_back(1);
            quantization.zero_point.push_back(c % 2 == 0 ? -128 : 127);  // the largest products there are
        }
        InputMoments moments = make_moments(one.conv, true);
        accumulate(moments, one.conv, one.input, npu::as_shape(out, 3), quantization, codes);
        const InputMoments expected = plain(one.conv, in, out, quantization, codes);
        EXPECT_EQ(moments.windows, expected.windows);
        EXPECT_EQ(moments.gram_windows, expected.gram_windows);
        EXPECT_EQ(moments.sum, expected.sum);
        EXPECT_EQ(moments.gram_sum, expected.gram_sum);
        EXPECT_EQ(moments.gram, expected.gram);
    }
}

TEST(InputMoments, LargeMapsGiveEveryNthWindowToTheGramMatrix) {
    const npu::Conv one = conv(1, 1, 1, {}, {});
    InputMoments moments = make_moments(one, true);
    std::vector<int8_t> codes(128 * 128, 1);
    accumulate(moments, one, {128, 128, 1}, {128, 128, 1}, {{1.0F}, {0}}, codes);
    EXPECT_EQ(moments.windows, 128 * 128);
    EXPECT_EQ(moments.gram_windows, 2048);
    EXPECT_EQ(moments.gram[0], 2048);
}

TEST(InputMoments, SumsOfLargeMapsDoNotOverflow) {
    const npu::Conv one = conv(1, 1, 1, {}, {});
    constexpr int64_t kPixels = (int64_t{1} << 24) + 3;  // 2^24 codes of -128 are the least int32
    InputMoments moments = make_moments(one, false);
    const std::vector<int8_t> codes(static_cast<size_t>(kPixels), -128);
    accumulate(moments, one, {1, kPixels, 1}, {1, kPixels, 1}, {{1.0F}, {127}}, codes);
    EXPECT_EQ(moments.windows, kPixels);
    EXPECT_EQ(moments.sum[0], -255 * kPixels);
}

TEST(GramRounding, ErrsLessOnCorrelatedInputsThanTheNearestCodes) {
    // Two inputs that are nearly one: errors of their weights cancel where one rounds up and the other down.
    const npu::Conv one = conv(2, 1, 1, {}, {});
    std::vector<int8_t> codes;
    for (int i = -100; i < 100; ++i)
        codes.insert(codes.end(), {static_cast<int8_t>(i), static_cast<int8_t>(i + 1 - i % 3)});
    InputMoments moments = make_moments(one, true);
    accumulate(moments, one, {200, 2}, {200, 1}, {{1.0F}, {0}}, codes);
    const std::vector<float> weights = {10.4F, 20.4F}, scale = {1.0F};
    std::vector<int8_t> rounded = {10, 20};
    round_against_gram(moments, weights, scale, rounded);
    EXPECT_EQ(rounded[0] + rounded[1], 31) << "the sum of both weights is 30.8";
}

}  // namespace
}  // namespace calotype::quantize
