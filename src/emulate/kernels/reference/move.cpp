// Layers that only move codes: what they read has the scales of what they write.

#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "emulate/kernels/reference/reference.hpp"

namespace calotype::emulate::reference {
namespace {

// Calls write(depth, height, width) in memory order.
template <class Write>
void for_pixels(const npu::Map& map, Write write) {
    for (int64_t d = 0; d < map.depth; ++d)
        for (int64_t h = 0; h < map.height; ++h)
            for (int64_t w = 0; w < map.width; ++w) write(d, h, w);
}

const int8_t* pixel(const npu::Map& map, const int8_t* x, int64_t d, int64_t h, int64_t w) {
    return x + ((d * map.height + h) * map.width + w) * map.channels;
}

}  // namespace

void concat(const LayerView& view, Inputs inputs, int8_t* y) {
    const auto axis = static_cast<size_t>(std::get<npu::Concat>(view.layer->attributes).axis);
    const std::span<const int64_t> shape = view.out_shape;
    const int64_t outer = element_count(shape.first(axis));
    for (int64_t o = 0; o < outer; ++o)
        for (size_t i = 0; i < inputs.size(); ++i) {
            const int64_t run = element_count(std::span(view.in_shapes[i]).subspan(axis));
            y = std::copy_n(inputs[i] + o * run, run, y);
        }
}

void pad(const LayerView& view, Inputs inputs, int8_t* y) {
    const auto& p = std::get<npu::Pad>(view.layer->attributes);
    const npu::Map& in = view.in[0];
    for_pixels(view.out, [&](int64_t d, int64_t h, int64_t w) {
        const int64_t id = d - p.depth.pad_before, ih = h - p.height.pad_before, iw = w - p.width.pad_before;
        const bool inside = id >= 0 && id < in.depth && ih >= 0 && ih < in.height && iw >= 0 && iw < in.width;
        for (int64_t c = 0; c < view.out.channels; ++c) {
            const int64_t ic = c - p.channels_before;
            const bool real = inside && ic >= 0 && ic < in.channels;
            *y++ = real ? pixel(in, inputs[0], id, ih, iw)[ic]
                        : static_cast<int8_t>(view.out_quantization->zero_point_of(c));
        }
    });
}

void crop(const LayerView& view, Inputs inputs, int8_t* y) {
    const auto& crop = std::get<npu::Crop>(view.layer->attributes);
    const auto& step = crop.step;
    const auto first = npu::range_of(crop, view.in[0]).first;
    for_pixels(view.out, [&](int64_t d, int64_t h, int64_t w) {
        const int8_t* x =
            pixel(view.in[0], inputs[0], first[0] + d * step[0], first[1] + h * step[1], first[2] + w * step[2]);
        for (int64_t i = 0; i < view.out.channels; ++i) *y++ = x[first[3] + i * step[3]];
    });
}

void upsample(const LayerView& view, Inputs inputs, int8_t* y) {
    const int64_t down = npu::repeats(view.in[0].height, view.out.height);
    const int64_t across = npu::repeats(view.in[0].width, view.out.width);
    for_pixels(view.out, [&](int64_t d, int64_t h, int64_t w) {
        const int8_t* x = pixel(view.in[0], inputs[0], d, h / down, w / across);
        y = std::copy_n(x, view.out.channels, y);
    });
}

void space_to_depth(const LayerView& view, Inputs inputs, int8_t* y) {
    const int64_t block = std::get<npu::SpaceToDepth>(view.layer->attributes).block;
    for_pixels(view.out, [&](int64_t d, int64_t h, int64_t w) {
        for (int64_t bh = 0; bh < block; ++bh)
            for (int64_t bw = 0; bw < block; ++bw) {
                const int8_t* x = pixel(view.in[0], inputs[0], d, h * block + bh, w * block + bw);
                y = std::copy_n(x, view.in[0].channels, y);
            }
    });
}

void channel_reorder(const LayerView& view, Inputs inputs, int8_t* y) {
    const auto& source = std::get<npu::ChannelReorder>(view.layer->attributes).source;
    for_pixels(view.out, [&](int64_t d, int64_t h, int64_t w) {
        const int8_t* x = pixel(view.in[0], inputs[0], d, h, w);
        for (const int64_t c : source) *y++ = x[c];
    });
}

void reshape(const LayerView& view, Inputs inputs, int8_t* y) {
    // A memory plan may let both share their bytes.
    std::memmove(y, inputs[0], static_cast<size_t>(view.out.elements()));
}

}  // namespace calotype::emulate::reference
