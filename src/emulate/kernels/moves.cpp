// Layers that move codes, by whole stretches of memory. Not bound to an instruction set: memcpy is.

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/tensor.hpp"
#include "emulate/kernels/fast.hpp"

namespace calotype::emulate::moves {
namespace {

using Inputs = std::span<const int8_t* const>;

void copy(int8_t* to, const int8_t* from, int64_t bytes) { std::memcpy(to, from, static_cast<size_t>(bytes)); }

/// Copies `count` stretches of N bytes; a constant size spares a call for each of the short ones.
template <int64_t N>
void copy_stretches(int8_t* to, int64_t to_step, const int8_t* from, int64_t from_step, int64_t count) {
    for (int64_t i = 0; i < count; ++i) std::memcpy(to + i * to_step, from + i * from_step, N);
}

void copy_stretches(int8_t* to, int64_t to_step, const int8_t* from, int64_t from_step, int64_t bytes, int64_t count) {
    const auto known = [&]<int64_t... N>(std::integer_sequence<int64_t, N...>) {
        return ((bytes == N && (copy_stretches<N>(to, to_step, from, from_step, count), true)) || ...);
    };
    if (known(std::integer_sequence<int64_t, 4, 6, 8, 16, 32, 64>{})) return;
    for (int64_t i = 0; i < count; ++i) copy(to + i * to_step, from + i * from_step, bytes);
}

/// A layer whose run is move(inputs, output).
template <class Run>
class Move final : public PreparedLayer {
  public:
    Move(std::string_view name, Run move) : name_(name), move_(std::move(move)) {}
    void run(Inputs inputs, int8_t* y, std::span<std::byte>, ThreadPool*) const override { move_(inputs, y); }
    std::string_view kernel() const override { return name_; }

  private:
    std::string_view name_;
    Run move_;
};

using Layer = std::unique_ptr<PreparedLayer>;
template <class Run>
Layer move(std::string_view name, Run run) {
    return std::make_unique<Move<Run>>(name, std::move(run));
}

int64_t row_codes(const npu::Map& map) { return map.width * map.channels; }

Layer concat(const LayerView& view, const npu::Concat& layer) {
    const auto axis = static_cast<size_t>(layer.axis);
    const int64_t outer = element_count(std::span(view.out_shape).first(axis));
    const int64_t total = element_count(std::span(view.out_shape).subspan(axis));
    std::vector<int64_t> runs;  // codes of each input's stretch
    for (const Dims& shape : view.in_shapes) runs.push_back(element_count(std::span(shape).subspan(axis)));
    return move("concat", [=](Inputs inputs, int8_t* y) {
        for (size_t i = 0; i < inputs.size(); y += runs[i], ++i)
            copy_stretches(y, total, inputs[i], runs[i], runs[i], outer);
    });
}

Layer pad(const LayerView& view, const npu::Pad& pad) {
    std::vector<int8_t> zeros;  // one row of the output
    for (int64_t w = 0; w < view.out.width; ++w)
        for (int64_t c = 0; c < view.out.channels; ++c)
            zeros.push_back(static_cast<int8_t>(view.out_quantization->zero_point_of(c)));
    return move("pad", [pad, zeros, in = view.in[0], out = view.out](Inputs inputs, int8_t* y) {
        for (int64_t i = 0; i < out.depth * out.height; ++i, y += row_codes(out)) {
            copy(y, zeros.data(), row_codes(out));
            const int64_t d = i / out.height - pad.depth.pad_before, h = i % out.height - pad.height.pad_before;
            if (d < 0 || d >= in.depth || h < 0 || h >= in.height) continue;
            const int8_t* x = inputs[0] + (d * in.height + h) * row_codes(in);
            int8_t* to = y + pad.width.pad_before * out.channels + pad.channels_before;
            if (in.channels == out.channels)
                copy(to, x, row_codes(in));
            else
                copy_stretches(to, out.channels, x, in.channels, in.channels, in.width);
        }
    });
}

/// y[pixel][i] = x[pixel][source[i]], by the stretches of channels that stay together.
class ChannelGather {
  public:
    explicit ChannelGather(std::span<const int64_t> source) {
        for (size_t i = 0; i < source.size(); ++i) {
            if (runs_.empty() || source[i] != runs_.back().from + runs_.back().codes)
                runs_.push_back({source[i], static_cast<int64_t>(i), 0});
            ++runs_.back().codes;
        }
        for (const int64_t from : source) source_.push_back(static_cast<int32_t>(from));
        scattered_ = runs_.size() * 4 > source.size();
    }
    void run(int8_t* to, int64_t to_step, const int8_t* from, int64_t from_step, int64_t pixels) const {
        if (!scattered_) {
            for (const Run& run : runs_)
                copy_stretches(to + run.to, to_step, from + run.from, from_step, run.codes, pixels);
            return;
        }
        for (int64_t p = 0; p < pixels; ++p, to += to_step, from += from_step)
            for (size_t i = 0; i < source_.size(); ++i) to[i] = from[source_[i]];
    }

  private:
    struct Run {
        int64_t from, to, codes;
    };
    std::vector<Run> runs_;
    std::vector<int32_t> source_;
    bool scattered_;  // stretches too short to be worth a copy each
};

Layer crop(const LayerView& view, const npu::Crop& crop) {
    const auto first = npu::range_of(crop, view.in[0]).first;
    std::vector<int64_t> source;
    for (int64_t i = 0; i < view.out.channels; ++i) source.push_back(first[3] + i * crop.step[3]);
    return move("crop", [first, step = crop.step, in = view.in[0], out = view.out, channels = ChannelGather(source)](
                            Inputs inputs, int8_t* y) {
        for (int64_t i = 0; i < out.depth * out.height; ++i, y += row_codes(out)) {
            const int64_t d = first[0] + i / out.height * step[0], h = first[1] + i % out.height * step[1];
            const int8_t* x = inputs[0] + ((d * in.height + h) * in.width + first[2]) * in.channels;
            if (step[2] == 1 && in.channels == out.channels)
                copy(y, x, row_codes(out));
            else
                channels.run(y, out.channels, x, step[2] * in.channels, out.width);
        }
    });
}

Layer channel_reorder(const LayerView& view, const npu::ChannelReorder& reorder) {
    return move("channel reorder",
                [in = view.in[0], out = view.out, channels = ChannelGather(reorder.source)](Inputs inputs, int8_t* y) {
                    channels.run(y, out.channels, inputs[0], in.channels, out.pixels());
                });
}

/// A row of a block lies together in input and output.
Layer space_to_depth(const LayerView& view, const npu::SpaceToDepth& layer) {
    return move("space to depth", [block = layer.block, in = view.in[0], out = view.out](Inputs inputs, int8_t* y) {
        const int64_t stretch = block * in.channels;
        for (int64_t i = 0; i < out.depth * out.height; ++i, y += row_codes(out))
            for (int64_t bh = 0; bh < block; ++bh) {
                const int64_t row = i / out.height * in.height + i % out.height * block + bh;
                const int8_t* x = inputs[0] + row * row_codes(in);
                copy_stretches(y + bh * stretch, out.channels, x, stretch, stretch, out.width);
            }
    });
}

Layer upsample(const LayerView& view) {
    const npu::Map &in = view.in[0], &out = view.out;
    return move("upsample", [in, out, down = npu::repeats(in.height, out.height),
                             across = npu::repeats(in.width, out.width)](Inputs inputs, int8_t* y) {
        for (int64_t i = 0; i < out.depth * out.height; ++i, y += row_codes(out)) {
            const int64_t h = i % out.height;
            if (h % down != 0) {
                copy(y, y - row_codes(out), row_codes(out));
                continue;
            }
            const int8_t* x = inputs[0] + (i / out.height * in.height + h / down) * row_codes(in);
            for (int64_t k = 0; k < across; ++k)
                copy_stretches(y + k * in.channels, across * in.channels, x, in.channels, in.channels,
                               npu::repeats(across, out.width - k));
        }
    });
}

struct Prepare {
    const LayerView& view;
    Layer operator()(const npu::Concat& layer) const { return concat(view, layer); }
    Layer operator()(const npu::Pad& layer) const { return pad(view, layer); }
    Layer operator()(const npu::Crop& layer) const { return crop(view, layer); }
    Layer operator()(const npu::Upsample&) const { return upsample(view); }
    Layer operator()(const npu::SpaceToDepth& layer) const { return space_to_depth(view, layer); }
    Layer operator()(const npu::ChannelReorder& layer) const { return channel_reorder(view, layer); }
    template <class Other>
    Layer operator()(const Other&) const {
        return nullptr;
    }
};

}  // namespace

std::unique_ptr<PreparedLayer> prepare(const LayerView& view) {
    return std::visit(Prepare{view}, view.layer->attributes);
}

}  // namespace calotype::emulate::moves
