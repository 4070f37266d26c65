#include "npu/arithmetic.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace calotype::npu {
namespace {

template <class T>
T entry(std::span<const T> values, size_t i) {
    return values[values.size() > 1 ? i : 0];
}

// An open or far bound becomes the end of int8.
int32_t code_of(double real, double scale, int32_t zero_point) {
    if (std::isnan(real)) return zero_point;
    return static_cast<int32_t>(std::clamp(std::nearbyint(real / scale) + zero_point, -128.0, 127.0));
}

struct Codes {
    std::vector<int32_t> zero_point, lo, hi;
};

Codes codes_of(const Quantization& output, RealBounds bounds) {
    Codes codes;
    for (size_t i = 0; i < output.scale.size(); ++i) {
        const auto channel = static_cast<int64_t>(i);
        const int32_t zero_point = output.zero_point_of(channel);
        codes.zero_point.push_back(zero_point);
        codes.lo.push_back(code_of(bounds.lo, output.scale[i], zero_point));
        codes.hi.push_back(code_of(bounds.hi, output.scale[i], zero_point));
    }
    return codes;
}

// m[c] = numerator(c) / output scale, one entry where nothing differs from channel to channel.
template <class Numerator>
Requantization stage_of(size_t channels, const Quantization& output, RealBounds bounds, Numerator numerator) {
    Requantization stage;
    for (size_t c = 0; c < std::max(channels, output.scale.size()); ++c)
        stage.m.push_back(static_cast<float>(numerator(c) / output.scale_of(static_cast<int64_t>(c))));
    Codes codes = codes_of(output, bounds);
    stage.zero_point = std::move(codes.zero_point);
    stage.lo = std::move(codes.lo);
    stage.hi = std::move(codes.hi);
    return stage;
}

int64_t worst_sum(std::span<const float> weights, float bias, double scale_in, double scale) {
    int64_t sum = 0;
    for (const float w : weights) sum += static_cast<int64_t>(std::abs(std::nearbyint(w / scale)));
    const double bias_size = std::min(std::abs(std::nearbyint(bias / (scale_in * scale))), 0x1p40);
    return static_cast<int64_t>(bias_size) + 255 * sum;
}

double largest_scale(const Quantization& q) { return *std::max_element(q.scale.begin(), q.scale.end()); }

}  // namespace

RealBounds bounds_of(const Activation& activation) {
    if (activation.kind != ActivationKind::clamp) return {};
    return {activation.lo, activation.hi};
}

std::vector<double> input_scale(const Attributes& attributes, const Quantization& input) {
    const auto* conv = std::get_if<Conv>(&attributes);
    if (conv == nullptr || !conv->depthwise() || !input.per_channel()) return {largest_scale(input)};
    const int64_t multiplier = conv->out_channels / conv->in_channels;
    std::vector<double> scale(static_cast<size_t>(conv->out_channels));
    for (size_t c = 0; c < scale.size(); ++c) scale[c] = input.scale_of(static_cast<int64_t>(c) / multiplier);
    return scale;
}

void absorb_input_scales(std::span<float> weights, const Attributes& attributes, const Quantization& input) {
    if (!input.per_channel()) return;
    const double largest = largest_scale(input);
    const auto channels = static_cast<int64_t>(input.scale.size());
    const auto factor = [&](int64_t channel) { return input.scale_of(channel) / largest; };
    if (const auto* conv = std::get_if<Conv>(&attributes)) {
        if (conv->depthwise()) return;
        const int64_t group_in = conv->in_channels / conv->groups, group_out = conv->out_channels / conv->groups;
        const int64_t row = conv->window.taps() * group_in;
        for (size_t i = 0; i < weights.size(); ++i) {
            const auto at = static_cast<int64_t>(i);
            weights[i] = static_cast<float>(weights[i] * factor(at / row / group_out * group_in + at % group_in));
        }
    } else {
        // Features lie in memory order, channels last.
        for (size_t i = 0; i < weights.size(); ++i)
            weights[i] = static_cast<float>(weights[i] * factor(static_cast<int64_t>(i) % channels));
    }
}

std::vector<double> sum_scale(const Layer& layer, const Quantization& input) {
    const std::vector<double> in = input_scale(layer.attributes, input);
    std::vector<double> product(layer.weight_scale.begin(), layer.weight_scale.end());
    for (size_t o = 0; o < product.size(); ++o) product[o] *= entry(std::span<const double>(in), o);
    return product;
}

float weight_scale(std::span<const float> weights, float bias, double scale_in) {
    double largest = 0;
    for (const float w : weights) largest = std::max(largest, std::abs(static_cast<double>(w)));
    const double exact = std::max(largest / 127, std::abs(static_cast<double>(bias)) / (scale_in * 0x1p30));
    auto scale = static_cast<float>(exact);
    if (scale == 0) return 1;
    // float32 may round the scale down, by less than moves 127 to 128.
    while (worst_sum(weights, bias, scale_in, scale) >= int64_t{1} << 31) scale *= 2;
    return scale;
}

int32_t bias_code(double bias, double scale_in, double weight_scale) {
    return static_cast<int32_t>(std::clamp(std::nearbyint(bias / (scale_in * weight_scale)), -0x1p31, 0x1p31 - 1));
}

QuantizedWeights quantize_weights(std::span<const float> weights, std::span<const float> bias,
                                  std::span<const double> scale_in) {
    QuantizedWeights out;
    const size_t row = bias.empty() ? 0 : weights.size() / bias.size();
    for (size_t o = 0; o < bias.size(); ++o) {
        const auto w = weights.subspan(o * row, row);
        const double in = entry(scale_in, o);
        const float scale = weight_scale(w, bias[o], in);
        for (const float x : w)
            out.weights.push_back(static_cast<int8_t>(std::clamp(std::nearbyint(x / double{scale}), -127.0, 127.0)));
        out.bias.push_back(bias_code(bias[o], in, scale));
        out.scale.push_back(scale);
    }
    return out;
}

Requantization make_requantization(std::span<const double> scale_in, std::span<const float> weight_scale,
                                   const Quantization& output, RealBounds bounds) {
    return stage_of(std::max(scale_in.size(), weight_scale.size()), output, bounds,
                    [&](size_t c) { return entry(scale_in, c) * entry(weight_scale, c); });
}

std::vector<float> least_add_scale(const Quantization& a, const Quantization& b) {
    std::vector<float> least(std::max(a.scale.size(), b.scale.size()));
    for (size_t i = 0; i < least.size(); ++i) {
        const auto c = static_cast<int64_t>(i);
        least[i] = std::max(a.scale_of(c), b.scale_of(c)) / 8;
    }
    return least;
}

AddArithmetic make_add(const Quantization& a, const Quantization& b, const Quantization& output, RealBounds bounds) {
    const size_t channels = std::max({a.scale.size(), b.scale.size(), output.scale.size()});
    const auto factors = [&](const Quantization& q, int32_t r) {
        std::vector<double> m;
        for (size_t i = 0; i < channels; ++i) {
            const auto c = static_cast<int64_t>(i);
            m.push_back(std::nearbyint(std::ldexp(double{q.scale_of(c)} / output.scale_of(c), 15 + r - 7)));
        }
        return m;
    };
    const auto fits = [](const std::vector<double>& m) { return *std::max_element(m.begin(), m.end()) < 32768; };
    AddArithmetic add;
    for (add.r = 7; add.r >= 0; --add.r) {
        const auto ma = factors(a, add.r), mb = factors(b, add.r);
        if (!fits(ma) || !fits(mb)) continue;
        add.ma.assign(ma.begin(), ma.end());
        add.mb.assign(mb.begin(), mb.end());
        break;
    }
    if (add.r < 0)
        throw Error({"ARITHMETIC_SCALE", "Add", "an output scale is less than 1/128 of an input's scale",
                     "give the output at least 1/8 of its inputs' scale"});
    Codes codes = codes_of(output, bounds);
    add.zero_point = std::move(codes.zero_point);
    add.lo = std::move(codes.lo);
    add.hi = std::move(codes.hi);
    return add;
}

Requantization make_mul(const Quantization& a, const Quantization& b, const Quantization& output, RealBounds bounds) {
    return stage_of(std::max(a.scale.size(), b.scale.size()), output, bounds, [&](size_t i) {
        const auto c = static_cast<int64_t>(i);
        return double{a.scale_of(c)} * b.scale_of(c);
    });
}

Requantization make_requantize(const Quantization& input, const Quantization& output, RealBounds bounds) {
    return make_average_pool(input, output, 1, bounds);
}

Requantization make_average_pool(const Quantization& input, const Quantization& output, int64_t taps,
                                 RealBounds bounds) {
    return stage_of(input.scale.size(), output, bounds, [&](size_t c) {
        return double{input.scale_of(static_cast<int64_t>(c))} / static_cast<double>(taps);
    });
}

void set_global_average_pool(Layer& layer, const Quantization& input, const Quantization& output, int64_t pixels,
                             RealBounds bounds) {
    const size_t channels = std::max(input.scale.size(), output.scale.size());
    std::vector<double> k;
    for (size_t i = 0; i < channels; ++i) {
        const auto c = static_cast<int64_t>(i);
        k.push_back(double{input.scale_of(c)} / output.scale_of(c));
    }
    layer.pool_k = k[0];
    layer.pool_channel_k = channels > 1 ? k : std::vector<double>{};
    layer.stage = make_average_pool(input, output, pixels, bounds);
    layer.stage = global_average_stage(layer, pixels);
}

Requantization global_average_stage(const Layer& layer, int64_t pixels) {
    const auto* made = std::get_if<Requantization>(&layer.stage);
    CALOTYPE_ASSERT(made != nullptr, "a global average pool has a requantization");
    Requantization stage = *made;
    const auto& channel_k = layer.pool_channel_k;
    stage.m.assign(std::max<size_t>(channel_k.size(), 1), 0);
    for (size_t c = 0; c < stage.m.size(); ++c)
        stage.m[c] =
            static_cast<float>((channel_k.empty() ? layer.pool_k : channel_k[c]) / static_cast<double>(pixels));
    return stage;
}

}  // namespace calotype::npu
