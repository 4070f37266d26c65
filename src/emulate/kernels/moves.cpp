// Layers that move codes, by whole stretches of memory. Not bound to an instruction set: memcpy is.

#include <algorithm>
#include <cstring>

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
    switch (bytes) {
        case 4:
            return copy_stretches<4>(to, to_step, from, from_step, count);
        case 6:
            return copy_stretches<6>(to, to_step, from, from_step, count);
        case 8:
            return copy_stretches<8>(to, to_step, from, from_step, count);
        case 16:
            return copy_stretches<16>(to, to_step, from, from_step, count);
        case 32:
            return copy_stretches<32>(to, to_step, from, from_step, count);
        case 64:
            return copy_stretches<64>(to, to_step, from, from_step, count);
        default:
            for (int64_t i = 0; i < count; ++i) copy(to + i * to_step, from + i * from_step, bytes);
    }
}

class Concat final : public PreparedLayer {
  public:
    explicit Concat(const LayerView& view) {
        const auto axis = static_cast<size_t>(std::get<npu::Concat>(view.layer->attributes).axis);
        outer_ = element_count(std::span(view.out_shape).first(axis));
        total_ = element_count(std::span(view.out_shape).subspan(axis));
        for (const Dims& shape : view.in_shapes) runs_.push_back(element_count(std::span(shape).subspan(axis)));
    }
    void run(Inputs inputs, int8_t* y, std::span<std::byte>, ThreadPool*) const override {
        for (size_t i = 0; i < inputs.size(); y += runs_[i], ++i)
            copy_stretches(y, total_, inputs[i], runs_[i], runs_[i], outer_);
    }
    std::string_view kernel() const override { return "concat"; }

  private:
    int64_t outer_, total_;
    std::vector<int64_t> runs_;  // codes of each input's stretch
};

class Pad final : public PreparedLayer {
  public:
    explicit Pad(const LayerView& view)
        : pad_(std::get<npu::Pad>(view.layer->attributes)), in_(view.in[0]), out_(view.out) {
        for (int64_t w = 0; w < out_.width; ++w)
            for (int64_t c = 0; c < out_.channels; ++c)
                zeros_.push_back(static_cast<int8_t>(view.out_quantization->zero_point_of(c)));
    }
    void run(Inputs inputs, int8_t* y, std::span<std::byte>, ThreadPool*) const override {
        const int64_t row = out_.width * out_.channels;
        for (int64_t i = 0; i < out_.depth * out_.height; ++i, y += row) {
            copy(y, zeros_.data(), row);
            const int64_t d = i / out_.height - pad_.depth.pad_before, h = i % out_.height - pad_.height.pad_before;
            if (d < 0 || d >= in_.depth || h < 0 || h >= in_.height) continue;
            const int8_t* x = inputs[0] + (d * in_.height + h) * in_.width * in_.channels;
            int8_t* to = y + pad_.width.pad_before * out_.channels + pad_.channels_before;
            if (in_.channels == out_.channels)
                copy(to, x, in_.width * in_.channels);
            else
                copy_stretches(to, out_.channels, x, in_.channels, in_.channels, in_.width);
        }
    }
    std::string_view kernel() const override { return "pad"; }

  private:
    npu::Pad pad_;
    npu::Map in_, out_;
    std::vector<int8_t> zeros_;  // one row of the output
};

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

std::vector<int64_t> stepped(int64_t first, int64_t step, int64_t count) {
    std::vector<int64_t> source;
    for (int64_t i = 0; i < count; ++i) source.push_back(first + i * step);
    return source;
}

class Crop final : public PreparedLayer {
  public:
    explicit Crop(const LayerView& view)
        : crop_(std::get<npu::Crop>(view.layer->attributes)),
          in_(view.in[0]),
          out_(view.out),
          channels_(stepped(crop_.first[3], crop_.step[3], out_.channels)) {}
    void run(Inputs inputs, int8_t* y, std::span<std::byte>, ThreadPool*) const override {
        const auto& [first, step] = crop_;
        for (int64_t i = 0; i < out_.depth * out_.height; ++i, y += out_.width * out_.channels) {
            const int64_t d = first[0] + i / out_.height * step[0], h = first[1] + i % out_.height * step[1];
            const int8_t* x = inputs[0] + ((d * in_.height + h) * in_.width + first[2]) * in_.channels;
            if (step[2] == 1 && in_.channels == out_.channels)
                copy(y, x, out_.width * out_.channels);
            else
                channels_.run(y, out_.channels, x, step[2] * in_.channels, out_.width);
        }
    }
    std::string_view kernel() const override { return "crop"; }

  private:
    npu::Crop crop_;
    npu::Map in_, out_;
    ChannelGather channels_;
};

class ChannelReorder final : public PreparedLayer {
  public:
    explicit ChannelReorder(const LayerView& view)
        : out_(view.out),
          in_channels_(view.in[0].channels),
          channels_(std::get<npu::ChannelReorder>(view.layer->attributes).source) {}
    void run(Inputs inputs, int8_t* y, std::span<std::byte>, ThreadPool*) const override {
        channels_.run(y, out_.channels, inputs[0], in_channels_, out_.pixels());
    }
    std::string_view kernel() const override { return "channel reorder"; }

  private:
    npu::Map out_;
    int64_t in_channels_;
    ChannelGather channels_;
};

/// A row of a block lies together in input and output.
class SpaceToDepth final : public PreparedLayer {
  public:
    explicit SpaceToDepth(const LayerView& view)
        : block_(std::get<npu::SpaceToDepth>(view.layer->attributes).block), in_(view.in[0]), out_(view.out) {}
    void run(Inputs inputs, int8_t* y, std::span<std::byte>, ThreadPool*) const override {
        const int64_t stretch = block_ * in_.channels;
        for (int64_t i = 0; i < out_.depth * out_.height; ++i, y += out_.width * out_.channels)
            for (int64_t bh = 0; bh < block_; ++bh) {
                const int64_t row = i / out_.height * in_.height + i % out_.height * block_ + bh;
                copy_stretches(y + bh * stretch, out_.channels, inputs[0] + row * in_.width * in_.channels, stretch,
                               stretch, out_.width);
            }
    }
    std::string_view kernel() const override { return "space to depth"; }

  private:
    int64_t block_;
    npu::Map in_, out_;
};

class Upsample final : public PreparedLayer {
  public:
    explicit Upsample(const LayerView& view)
        : factor_(std::get<npu::Upsample>(view.layer->attributes)), in_(view.in[0]), out_(view.out) {}
    void run(Inputs inputs, int8_t* y, std::span<std::byte>, ThreadPool*) const override {
        const int64_t row = out_.width * out_.channels, factor = factor_.factor_width;
        for (int64_t i = 0; i < in_.depth * in_.height; ++i) {
            const int8_t* x = inputs[0] + i * in_.width * in_.channels;
            for (int64_t k = 0; k < factor; ++k)
                copy_stretches(y + k * in_.channels, factor * in_.channels, x, in_.channels, in_.channels, in_.width);
            for (int64_t k = 1; k < factor_.factor_height; ++k) copy(y + k * row, y, row);
            y += factor_.factor_height * row;
        }
    }
    std::string_view kernel() const override { return "upsample"; }

  private:
    npu::Upsample factor_;
    npu::Map in_, out_;
};

}  // namespace

std::unique_ptr<PreparedLayer> prepare(const LayerView& view) {
    const npu::Attributes& attributes = view.layer->attributes;
    if (std::holds_alternative<npu::Concat>(attributes)) return std::make_unique<Concat>(view);
    if (std::holds_alternative<npu::Pad>(attributes)) return std::make_unique<Pad>(view);
    if (std::holds_alternative<npu::Upsample>(attributes)) {
        const auto& u = std::get<npu::Upsample>(attributes);
        const npu::Map& in = view.in[0];
        if (view.out.height == in.height * u.factor_height && view.out.width == in.width * u.factor_width)
            return std::make_unique<Upsample>(view);
    }
    if (std::holds_alternative<npu::Crop>(attributes)) return std::make_unique<Crop>(view);
    if (std::holds_alternative<npu::ChannelReorder>(attributes)) return std::make_unique<ChannelReorder>(view);
    if (std::holds_alternative<npu::SpaceToDepth>(attributes)) return std::make_unique<SpaceToDepth>(view);
    return nullptr;
}

}  // namespace calotype::emulate::moves
