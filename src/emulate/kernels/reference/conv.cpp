// acc = bias + sum (q - zero_point) * w; padding counts as q = zero_point and so adds nothing.

#include "emulate/kernels/reference/output_stage.hpp"
#include "emulate/kernels/reference/reference.hpp"

namespace calotype::emulate::reference {
namespace {

struct Pixel {
    int64_t depth, height, width;
};

bool inside(const npu::Map& map, const Pixel& p) {
    return p.depth >= 0 && p.depth < map.depth && p.height >= 0 && p.height < map.height && p.width >= 0 &&
           p.width < map.width;
}

int64_t offset(const npu::Map& map, const Pixel& p) {
    return ((p.depth * map.height + p.height) * map.width + p.width) * map.channels;
}

// The products of one tap with the channels of one group.
int32_t tap_sum(const LayerView& view, const int8_t* q, const int8_t* w, int64_t first, int64_t count) {
    int32_t sum = 0;
    for (int64_t i = 0; i < count; ++i) sum += (q[first + i] - view.zero_point(0, first + i)) * w[i];
    return sum;
}

int32_t sum_at(const LayerView& view, const npu::Conv& conv, const int8_t* x, const Pixel& out, int64_t channel) {
    const int64_t group_in = conv.in_channels / conv.groups;
    const int64_t first = channel / (conv.out_channels / conv.groups) * group_in;
    const npu::Window& win = conv.window;
    const int8_t* w = view.layer->weights.data() + channel * win.taps() * group_in;
    int32_t acc = view.layer->bias[static_cast<size_t>(channel)];
    for (int64_t kd = 0; kd < win.depth.kernel; ++kd)
        for (int64_t kh = 0; kh < win.height.kernel; ++kh)
            for (int64_t kw = 0; kw < win.width.kernel; ++kw, w += group_in) {
                const Pixel in{out.depth * win.depth.stride + kd * win.depth.dilation - win.depth.pad_before,
                               out.height * win.height.stride + kh * win.height.dilation - win.height.pad_before,
                               out.width * win.width.stride + kw * win.width.dilation - win.width.pad_before};
                if (inside(view.in[0], in)) acc += tap_sum(view, x + offset(view.in[0], in), w, first, group_in);
            }
    return acc;
}

}  // namespace

void convolution(const LayerView& view, Inputs inputs, int8_t* y) {
    const auto& conv = std::get<npu::Conv>(view.layer->attributes);
    for (int64_t d = 0; d < view.out.depth; ++d)
        for (int64_t h = 0; h < view.out.height; ++h)
            for (int64_t w = 0; w < view.out.width; ++w)
                for (int64_t c = 0; c < conv.out_channels; ++c)
                    *y++ = finish(view.stage, sum_at(view, conv, inputs[0], {d, h, w}, c), c);
}

void fully_connected(const LayerView& view, Inputs inputs, int8_t* y) {
    const auto& fc = std::get<npu::FullyConnected>(view.layer->attributes);
    const int64_t channels = view.in[0].channels;
    const int8_t* w = view.layer->weights.data();
    for (int64_t o = 0; o < fc.out_features; ++o) {
        int32_t acc = view.layer->bias[static_cast<size_t>(o)];
        for (int64_t i = 0; i < fc.in_features; ++i) acc += (inputs[0][i] - view.zero_point(0, i % channels)) * *w++;
        y[o] = finish(view.stage, acc, o);
    }
}

}  // namespace calotype::emulate::reference
