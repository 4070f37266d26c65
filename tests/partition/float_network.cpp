#include "partition/float_network.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "lower/order.hpp"

namespace calotype::sketch {
namespace {

using npu::ActivationKind;
using npu::Map;
using Values = std::vector<float>;

float activated(float x, const npu::Activation& a) {
    const double d = x;
    const auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
    switch (a.kind) {
        case ActivationKind::none: return x;
        case ActivationKind::clamp: return std::min(std::max(x, a.lo), a.hi);
        case ActivationKind::leaky_relu:
        case ActivationKind::prelu: return x < 0 ? a.alpha * x : x;
        case ActivationKind::sigmoid: return static_cast<float>(sigmoid(d));
        case ActivationKind::silu: return static_cast<float>(d * sigmoid(a.alpha * d));
        case ActivationKind::hard_swish: return static_cast<float>(d * std::clamp(d / 6 + 0.5, 0.0, 1.0));
        case ActivationKind::hard_sigmoid: return static_cast<float>(std::clamp(a.alpha * d + a.beta, 0.0, 1.0));
        case ActivationKind::tanh: return static_cast<float>(std::tanh(d));
        case ActivationKind::gelu_erf: return static_cast<float>(0.5 * d * (1 + std::erf(d / std::sqrt(2.0))));
        case ActivationKind::gelu_tanh:
            return static_cast<float>(0.5 * d * (1 + std::tanh(std::sqrt(2 / M_PI) * (d + 0.044715 * d * d * d))));
        case ActivationKind::mish: return static_cast<float>(d * std::tanh(std::log1p(std::exp(d))));
        case ActivationKind::softplus: return static_cast<float>(std::log1p(std::exp(d)));
        case ActivationKind::elu: return static_cast<float>(d < 0 ? a.alpha * std::expm1(d) : d);
    }
    return x;
}

/// Calls f(output pixel, input pixel or -1 in the padding, tap).
template <class F>
void slide(const npu::Window& w, const Map& in, const Map& out, F f) {
    for (int64_t z = 0; z < out.depth; ++z)
        for (int64_t y = 0; y < out.height; ++y)
            for (int64_t x = 0; x < out.width; ++x)
                for (int64_t kz = 0, tap = 0; kz < w.depth.kernel; ++kz)
                    for (int64_t ky = 0; ky < w.height.kernel; ++ky)
                        for (int64_t kx = 0; kx < w.width.kernel; ++kx, ++tap) {
                            const int64_t iz = z * w.depth.stride + kz * w.depth.dilation - w.depth.pad_before;
                            const int64_t iy = y * w.height.stride + ky * w.height.dilation - w.height.pad_before;
                            const int64_t ix = x * w.width.stride + kx * w.width.dilation - w.width.pad_before;
                            const bool inside =
                                iz >= 0 && iy >= 0 && ix >= 0 && iz < in.depth && iy < in.height && ix < in.width;
                            f((z * out.height + y) * out.width + x, inside ? (iz * in.height + iy) * in.width + ix : -1,
                              tap);
                        }
}

struct Run {
    const npu::FloatLayer& layer;
    const std::vector<const Values*>& in;
    const std::vector<Map>& maps;
    const Map& out;
    Values y;

    float& at(int64_t pixel, int64_t channel) { return y[static_cast<size_t>(pixel * out.channels + channel)]; }
    float from(size_t input, int64_t pixel, int64_t channel) const {
        return (*in[input])[static_cast<size_t>(pixel * maps[input].channels + channel)];
    }
    void operator()(const npu::Conv& conv) {
        const int64_t depth = conv.in_channels / conv.groups, per_group = conv.out_channels / conv.groups;
        for (int64_t p = 0; p < out.pixels(); ++p)
            for (int64_t o = 0; o < out.channels; ++o) at(p, o) = layer.bias[static_cast<size_t>(o)];
        slide(conv.window, maps[0], out, [&](int64_t p, int64_t source, int64_t tap) {
            if (source < 0) return;
            for (int64_t o = 0; o < out.channels; ++o) {
                const float* w = &layer.weights[static_cast<size_t>((o * conv.window.taps() + tap) * depth)];
                const float* x = &(*in[0])[static_cast<size_t>(source * maps[0].channels + o / per_group * depth)];
                float sum = 0;
                for (int64_t c = 0; c < depth; ++c) sum += w[c] * x[c];
                at(p, o) += sum;
            }
        });
    }
    void operator()(const npu::FullyConnected& fc) {
        for (int64_t o = 0; o < fc.out_features; ++o) {
            double sum = layer.bias[static_cast<size_t>(o)];
            for (int64_t i = 0; i < fc.in_features; ++i)
                sum += layer.weights[static_cast<size_t>(o * fc.in_features + i)] * (*in[0])[static_cast<size_t>(i)];
            y[static_cast<size_t>(o)] = static_cast<float>(sum);
        }
    }
    void operator()(const npu::Pool& pool) {
        npu::Window window = pool.window;
        if (pool.global) {
            window = {};
            window.depth.kernel = maps[0].depth;
            window.height.kernel = maps[0].height;
            window.width.kernel = maps[0].width;
        }
        const bool max = pool.kind == npu::PoolKind::max;
        if (max) std::fill(y.begin(), y.end(), -std::numeric_limits<float>::infinity());
        slide(window, maps[0], out, [&](int64_t p, int64_t source, int64_t) {
            for (int64_t c = 0; source >= 0 && c < out.channels; ++c)
                at(p, c) = max ? std::max(at(p, c), from(0, source, c))
                               : at(p, c) + from(0, source, c) / static_cast<float>(window.taps());
        });
    }
    void operator()(const npu::Add&) {
        for (size_t i = 0; i < y.size(); ++i) y[i] = (*in[0])[i] + (*in[1])[i];
    }
    void operator()(const npu::Mul&) {
        for (int64_t p = 0; p < out.pixels(); ++p)
            for (int64_t c = 0; c < out.channels; ++c)
                at(p, c) = from(0, p, c) * from(1, p, maps[1].channels == 1 ? 0 : c);
    }
    void operator()(const npu::Concat& concat) {  // last axis or, one sample long before it, any other
        const auto sizes = [&](const Map& m) { return std::array<int64_t, 4>{m.depth, m.height, m.width, m.channels}; };
        const size_t axis = static_cast<size_t>(concat.axis) + 4 - rank;
        int64_t outer = 1, inner = 1, offset = 0;
        for (size_t i = 0; i < axis; ++i) outer *= sizes(out)[i];
        for (size_t i = axis + 1; i < 4; ++i) inner *= sizes(out)[i];
        for (size_t k = 0; k < in.size(); ++k) {
            const int64_t run = sizes(maps[k])[axis] * inner;
            for (int64_t o = 0; o < outer; ++o)
                std::copy_n(in[k]->begin() + o * run, run, y.begin() + o * sizes(out)[axis] * inner + offset);
            offset += run;
        }
    }
    void operator()(const npu::Pad& pad) {
        for (int64_t d = 0; d < maps[0].depth; ++d)
            for (int64_t h = 0; h < maps[0].height; ++h)
                for (int64_t w = 0; w < maps[0].width; ++w)
                    for (int64_t c = 0; c < maps[0].channels; ++c)
                        at(((d + pad.depth.pad_before) * out.height + h + pad.height.pad_before) * out.width + w +
                               pad.width.pad_before,
                           c + pad.channels_before) = from(0, (d * maps[0].height + h) * maps[0].width + w, c);
    }
    void operator()(const npu::Crop& crop) {
        const auto first = npu::range_of(crop, maps[0]).first;
        for (int64_t d = 0; d < out.depth; ++d)
            for (int64_t h = 0; h < out.height; ++h)
                for (int64_t w = 0; w < out.width; ++w)
                    for (int64_t c = 0; c < out.channels; ++c)
                        at((d * out.height + h) * out.width + w, c) =
                            from(0,
                                 ((first[0] + d * crop.step[0]) * maps[0].height + first[1] + h * crop.step[1]) *
                                         maps[0].width +
                                     first[2] + w * crop.step[2],
                                 first[3] + c * crop.step[3]);
    }
    void operator()(const npu::Upsample&) {
        const int64_t down = npu::repeats(maps[0].height, out.height), across = npu::repeats(maps[0].width, out.width);
        for (int64_t h = 0; h < out.height; ++h)
            for (int64_t w = 0; w < out.width; ++w)
                for (int64_t c = 0; c < out.channels; ++c)
                    at(h * out.width + w, c) = from(0, h / down * maps[0].width + w / across, c);
    }
    void operator()(const npu::SpaceToDepth& layer_) {
        const int64_t b = layer_.block, channels = maps[0].channels;
        for (int64_t h = 0; h < maps[0].height; ++h)
            for (int64_t w = 0; w < maps[0].width; ++w)
                for (int64_t c = 0; c < channels; ++c)
                    at(h / b * out.width + w / b, (h % b * b + w % b) * channels + c) =
                        from(0, h * maps[0].width + w, c);
    }
    void operator()(const npu::ChannelReorder& reorder) {
        for (int64_t p = 0; p < out.pixels(); ++p)
            for (int64_t c = 0; c < out.channels; ++c) at(p, c) = from(0, p, reorder.source[static_cast<size_t>(c)]);
    }
    void operator()(const npu::Reshape&) { y = *in[0]; }
    void operator()(const npu::Requantize&) { y = *in[0]; }
    size_t rank = 0;
};

}  // namespace

std::map<std::string, Tensor> run(const npu::FloatNetwork& network, const std::map<std::string, Tensor>& inputs) {
    std::vector<Values> values;
    for (const npu::FloatTensor& tensor : network.tensors) values.push_back(tensor.constant);
    for (const npu::Placement& input : network.inputs) {
        const auto x = inputs.at(input.value).values<float>();
        for (const int64_t position : lower::source_positions({input.split, input.axes}))
            values[static_cast<size_t>(input.tensor)].push_back(x[static_cast<size_t>(position)]);
    }
    for (const npu::FloatLayer& layer : network.layers) {
        std::vector<const Values*> in;
        std::vector<Map> maps;
        for (const npu::TensorId tensor : layer.inputs) {
            in.push_back(&values[static_cast<size_t>(tensor)]);
            maps.push_back(npu::as_map(network.tensors[static_cast<size_t>(tensor)].shape));
        }
        const Dims& shape = network.tensors[static_cast<size_t>(layer.output)].shape;
        const Map out = npu::as_map(shape);
        Run one{layer, in, maps, out, Values(static_cast<size_t>(out.elements()), 0.0F)};
        one.rank = shape.size();
        std::visit(one, layer.attributes);
        for (float& x : one.y) x = activated(x, layer.activation);
        values[static_cast<size_t>(layer.output)] = std::move(one.y);
    }
    std::map<std::string, Tensor> outputs;
    for (const npu::Placement& output : network.outputs) {
        Tensor tensor(DataType::float32, output.dims);
        const auto positions = lower::source_positions({output.split, output.axes});
        for (size_t i = 0; i < positions.size(); ++i)
            tensor.values<float>()[static_cast<size_t>(positions[i])] =
                values[static_cast<size_t>(output.tensor)].at(i);
        outputs.emplace(output.value, std::move(tensor));
    }
    return outputs;
}

}  // namespace calotype::sketch
