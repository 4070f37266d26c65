#include "quantize/input_moments.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace calotype::quantize {
namespace {

constexpr int64_t kGramWindows = 2048;  // of one sample
// Products of two codes are below 2^16, so 256 of them add up without rounding in a float, which vectorizes everywhere.
constexpr size_t kExactProducts = 256;

/// Where a tap reads the input: start and zero points of the convolution's map.
struct Taps {
    const npu::Conv& conv;
    npu::Map in, out;

    /// Offset of input pixel (first channel) that output pixel `o` of tap `kernel` reads, or -1 in the padding.
    int64_t pixel(const std::array<int64_t, 3>& o, const std::array<int64_t, 3>& kernel) const {
        const std::array<const npu::Axis*, 3> axes = {&conv.window.depth, &conv.window.height, &conv.window.width};
        const std::array<int64_t, 3> size = {in.depth, in.height, in.width};
        int64_t offset = 0;
        for (size_t a = 0; a < 3; ++a) {
            const int64_t i = o[a] * axes[a]->stride + kernel[a] * axes[a]->dilation - axes[a]->pad_before;
            if (i < 0 || i >= size[a]) return -1;
            offset = offset * size[a] + i;
        }
        return offset * in.channels;
    }
    template <class Use>
    void for_each_tap(const Use& use) const {
        int64_t tap = 0;
        for (int64_t d = 0; d < conv.window.depth.kernel; ++d)
            for (int64_t h = 0; h < conv.window.height.kernel; ++h)
                for (int64_t w = 0; w < conv.window.width.kernel; ++w) use(tap++, std::array<int64_t, 3>{d, h, w});
    }
    std::array<int64_t, 3> position(int64_t window) const {
        return {window / (out.height * out.width), window / out.width % out.height, window % out.width};
    }
};

/// Codes that add up in an int32: 128 * 2^23 < 2^31.
constexpr int64_t kExactCodes = 1 << 23;

/// Sums over all windows, tap by tap, in int32 for as long as that is exact.
void add_sums(InputMoments& moments, const Taps& taps, const std::vector<int32_t>& zero,
              std::span<const int8_t> codes) {
    const auto channels = static_cast<size_t>(taps.in.channels);
    const int64_t per_group = taps.in.channels / taps.conv.groups;
    moments.windows += taps.out.pixels();
    std::vector<int32_t> sum(channels, 0);
    taps.for_each_tap([&](int64_t tap, const std::array<int64_t, 3>& kernel) {
        int64_t inside = 0;
        const auto flush = [&] {
            for (int64_t c = 0; c < taps.in.channels; ++c) {
                const auto to = static_cast<size_t>(c / per_group * moments.k + tap * per_group + c % per_group);
                const auto from = static_cast<size_t>(c);
                moments.sum[to] += std::exchange(sum[from], 0) - inside * zero[from];
            }
            inside = 0;
        };
        for (int64_t d = 0; d < taps.out.depth; ++d)
            for (int64_t h = 0; h < taps.out.height; ++h)
                for (int64_t w = 0; w < taps.out.width; ++w) {
                    const int64_t pixel = taps.pixel({d, h, w}, kernel);
                    if (pixel < 0) continue;
                    const int8_t* from = codes.data() + pixel;
                    for (size_t c = 0; c < channels; ++c) sum[c] += from[c];
                    if (++inside == kExactCodes) flush();
                }
        flush();
    });
}

/// What every `step`-th window reads: [window][group][k], or [window][k][group] where a group is one channel.
struct Windows {
    std::vector<float> inputs;
    size_t count = 0;
};
Windows read_windows(const Taps& taps, const std::vector<int32_t>& zero, std::span<const int8_t> codes, int64_t first,
                     int64_t step) {
    const int64_t channels = taps.in.channels, per_group = channels / taps.conv.groups;
    const int64_t taps_count = taps.conv.window.taps(), k = taps_count * per_group;
    Windows windows;
    for (int64_t window = first; window < taps.out.pixels() && windows.count < kExactProducts; window += step) {
        const auto position = taps.position(window);
        const size_t start = windows.inputs.size();
        windows.inputs.resize(start + static_cast<size_t>(taps_count * channels));
        float* to = windows.inputs.data() + start;
        taps.for_each_tap([&](int64_t tap, const std::array<int64_t, 3>& kernel) {
            const int64_t pixel = taps.pixel(position, kernel);
            if (pixel < 0) return;  // padding is zero
            for (int64_t c = 0; c < channels; ++c) {
                const auto x = static_cast<float>(codes[static_cast<size_t>(pixel + c)] - zero[static_cast<size_t>(c)]);
                to[per_group == 1 ? tap * channels + c : c / per_group * k + tap * per_group + c % per_group] = x;
            }
        });
        ++windows.count;
    }
    return windows;
}

/// Adds the products of one group's k inputs, windows apart by `stride`.
void add_gram(int64_t* gram, const float* x, size_t windows, size_t stride, size_t k) {
    std::vector<float> products(k * k);
    for (size_t window = 0; window < windows; ++window, x += stride) {
        for (size_t i = 0; i < k; ++i) {
            const float left = x[i];
            if (left == 0) continue;
            float* to = products.data() + i * k;
            for (size_t j = 0; j < k; ++j) to[j] += left * x[j];
        }
    }
    for (size_t i = 0; i < products.size(); ++i) gram[i] += static_cast<int64_t>(products[i]);
}

/// The same for groups of one channel, eight channels at a time: [k][window][lane], so that a pair of taps is two
/// streams.
void add_depthwise_gram(std::vector<int64_t>& gram, const Windows& windows, size_t k, size_t channels) {
    constexpr size_t kLanes = 8;
    const size_t stream = windows.count * kLanes;
    std::vector<float> lanes(k * stream);
    for (size_t first = 0; first < channels; first += kLanes) {
        const size_t used = std::min(kLanes, channels - first);
        for (size_t window = 0; window < windows.count; ++window) {
            for (size_t tap = 0; tap < k; ++tap) {
                const float* from = windows.inputs.data() + (window * k + tap) * channels + first;
                std::copy_n(from, used, lanes.data() + tap * stream + window * kLanes);
            }
        }
        for (size_t i = 0; i < k; ++i) {
            for (size_t j = i; j < k; ++j) {
                const float *left = lanes.data() + i * stream, *right = lanes.data() + j * stream;
                std::array<float, kLanes> products{};
                for (size_t at = 0; at < stream; at += kLanes) {
                    for (size_t lane = 0; lane < kLanes; ++lane) products[lane] += left[at + lane] * right[at + lane];
                }
                for (size_t lane = 0; lane < used; ++lane) {
                    const size_t group = (first + lane) * k * k;
                    gram[group + i * k + j] += static_cast<int64_t>(products[lane]);
                    if (i != j) gram[group + j * k + i] += static_cast<int64_t>(products[lane]);
                }
            }
        }
    }
}

void add_gram(InputMoments& moments, const Taps& taps, const std::vector<int32_t>& zero,
              std::span<const int8_t> codes) {
    const int64_t step = std::max<int64_t>(1, taps.out.pixels() / kGramWindows);
    const auto k = static_cast<size_t>(moments.k), groups = static_cast<size_t>(moments.groups);
    const bool depthwise = taps.in.channels == moments.groups;
    for (int64_t first = 0; first < taps.out.pixels(); first += step * static_cast<int64_t>(kExactProducts)) {
        const Windows windows = read_windows(taps, zero, codes, first, step);
        moments.gram_windows += static_cast<int64_t>(windows.count);
        for (size_t window = 0; window < windows.count; ++window) {
            const float* x = windows.inputs.data() + window * groups * k;
            for (size_t group = 0; group < groups; ++group) {
                for (size_t i = 0; i < k; ++i) {
                    moments.gram_sum[group * k + i] +=
                        static_cast<int64_t>(x[depthwise ? i * groups + group : group * k + i]);
                }
            }
        }
        if (depthwise) {
            add_depthwise_gram(moments.gram, windows, k, groups);
            continue;
        }
        for (size_t group = 0; group < groups; ++group) {
            add_gram(moments.gram.data() + group * k * k, windows.inputs.data() + group * k, windows.count, groups * k,
                     k);
        }
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
    const Taps taps{*conv, npu::as_map(input), npu::as_map(output)};
    std::vector<int32_t> zero(static_cast<size_t>(taps.in.channels));
    for (size_t c = 0; c < zero.size(); ++c) zero[c] = quantization.zero_point_of(static_cast<int64_t>(c));
    add_sums(moments, taps, zero, codes);
    if (!moments.gram.empty()) add_gram(moments, taps, zero, codes);
}

}  // namespace calotype::quantize
