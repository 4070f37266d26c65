#include "quantize/input_moments.hpp"

#include <algorithm>

namespace calotype::quantize {
namespace {

constexpr int64_t kGramWindows = 2048;  // of one sample

/// Calls use(group, tap inputs) for each window: the k inputs of each group, zero point taken off, padding zero.
template <class Use>
void for_each_window(const npu::Conv& conv, const npu::Map& in, const npu::Map& out,
                     const npu::Quantization& quantization, std::span<const int8_t> codes, const Use& use) {
    const int64_t per_group = conv.in_channels / conv.groups;
    const int64_t k = conv.window.taps() * per_group;
    std::vector<int32_t> zero(static_cast<size_t>(in.channels));
    for (int64_t c = 0; c < in.channels; ++c) zero[static_cast<size_t>(c)] = quantization.zero_point_of(c);
    std::vector<int32_t> inputs(static_cast<size_t>(conv.groups * k));
    const auto& [wd, wh, ww] = conv.window;
    int64_t window = 0;
    for (int64_t d = 0; d < out.depth; ++d)
        for (int64_t h = 0; h < out.height; ++h)
            for (int64_t w = 0; w < out.width; ++w) {
                int64_t tap = 0;
                for (int64_t kd = 0; kd < wd.kernel; ++kd)
                    for (int64_t kh = 0; kh < wh.kernel; ++kh)
                        for (int64_t kw = 0; kw < ww.kernel; ++kw, ++tap) {
                            const int64_t y = d * wd.stride + kd * wd.dilation - wd.pad_before;
                            const int64_t r = h * wh.stride + kh * wh.dilation - wh.pad_before;
                            const int64_t s = w * ww.stride + kw * ww.dilation - ww.pad_before;
                            const bool inside =
                                y >= 0 && y < in.depth && r >= 0 && r < in.height && s >= 0 && s < in.width;
                            const int8_t* pixel =
                                codes.data() + (inside ? ((y * in.height + r) * in.width + s) * in.channels : 0);
                            for (int64_t c = 0; c < in.channels; ++c) {
                                const int64_t group = c / per_group;
                                inputs[static_cast<size_t>(group * k + tap * per_group + c % per_group)] =
                                    inside ? pixel[c] - zero[static_cast<size_t>(c)] : 0;
                            }
                        }
                use(window++, inputs);
            }
}

}  // namespace

void InputMoments::add(const InputMoments& other) {
    const auto plus = [](std::vector<int64_t>& to, const std::vector<int64_t>& from) {
        for (size_t i = 0; i < to.size(); ++i) to[i] += from[i];
    };
    windows += other.windows;
    gram_windows += other.gram_windows;
    plus(sum, other.sum);
    plus(gram_sum, other.gram_sum);
    plus(gram, other.gram);
}

InputMoments make_moments(const npu::Attributes& attributes, bool with_gram) {
    InputMoments moments;
    if (const auto* conv = std::get_if<npu::Conv>(&attributes)) {
        moments.groups = conv->groups;
        moments.k = conv->window.taps() * (conv->in_channels / conv->groups);
    } else {
        moments.k = std::get<npu::FullyConnected>(attributes).in_features;
    }
    moments.sum.resize(static_cast<size_t>(moments.groups * moments.k));
    if (!with_gram || moments.k > kGramInputs) return moments;
    moments.gram_sum.resize(moments.sum.size());
    moments.gram.resize(static_cast<size_t>(moments.groups * moments.k * moments.k));
    return moments;
}

void accumulate(InputMoments& moments, const npu::Attributes& attributes, const Dims& input, const Dims& output,
                const npu::Quantization& quantization, std::span<const int8_t> codes) {
    const auto* conv = std::get_if<npu::Conv>(&attributes);
    if (conv == nullptr) {
        const auto channels = static_cast<size_t>(input.back());
        for (size_t i = 0; i < codes.size(); ++i) {
            moments.sum[i] += codes[i] - quantization.zero_point_of(static_cast<int64_t>(i % channels));
        }
        ++moments.windows;
        return;
    }
    const npu::Map out = npu::as_map(output);
    const int64_t step = std::max<int64_t>(1, out.pixels() / kGramWindows);
    const auto k = static_cast<size_t>(moments.k);
    for_each_window(*conv, npu::as_map(input), out, quantization, codes,
                    [&](int64_t window, const std::vector<int32_t>& x) {
                        ++moments.windows;
                        for (size_t i = 0; i < x.size(); ++i) moments.sum[i] += x[i];
                        if (moments.gram.empty() || window % step != 0) return;
                        ++moments.gram_windows;
                        for (size_t i = 0; i < x.size(); ++i) moments.gram_sum[i] += x[i];
                        for (size_t group = 0; group < static_cast<size_t>(moments.groups); ++group) {
                            const int32_t* v = x.data() + group * k;
                            int64_t* gram = moments.gram.data() + group * k * k;
                            for (size_t i = 0; i < k; ++i) {
                                if (v[i] == 0) continue;
                                for (size_t j = 0; j < k; ++j) gram[i * k + j] += static_cast<int64_t>(v[i]) * v[j];
                            }
                        }
                    });
}

}  // namespace calotype::quantize
