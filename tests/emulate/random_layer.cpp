#include "random_layer.hpp"

#include <fmt/format.h>

#include "npu/arithmetic.hpp"

namespace calotype::emulate {
namespace {

class Maker {
  public:
    Maker(const std::string& kind, uint32_t seed, int64_t grow)
        : kind_(kind), random_(seed * 7919U + 13U), grow_(grow) {}
    LayerCase make();

  private:
    int64_t between(int64_t lo, int64_t hi) { return std::uniform_int_distribution<int64_t>(lo, hi)(random_); }
    bool chance(int percent) { return between(1, 100) <= percent; }
    float real(double lo, double hi) {
        return static_cast<float>(std::uniform_real_distribution<double>(lo, hi)(random_));
    }
    int64_t channels() {
        constexpr int64_t kUsual[] = {1, 3, 8, 16, 24, 32, 40, 64, 96};
        return chance(50) ? kUsual[between(0, 8)] : between(1, 70);
    }
    npu::Map map() { return {1, grow_ * between(1, 14), grow_ * between(1, 14), channels()}; }
    npu::Axis axis(int64_t size, int64_t most, bool dilate) {
        npu::Axis a;
        a.kernel = between(1, most);
        a.stride = between(1, 3);
        a.dilation = dilate && chance(25) ? between(1, 3) : 1;
        a.pad_before = between(0, a.extent() / 2);
        a.pad_after = between(0, a.extent() / 2);
        if (a.extent() > size + a.pad_before + a.pad_after) a = {};
        return a;
    }

    int8_t code() {
        if (extremes_) return static_cast<int8_t>(chance(50) ? -128 : 127);
        return static_cast<int8_t>(between(-128, 127));
    }
    npu::Quantization quantization(int64_t count, bool per_channel) {
        npu::Quantization q;
        for (int64_t i = 0; i < (per_channel ? count : 1); ++i) {
            q.scale.push_back(real(0.02, 0.1));
            q.zero_point.push_back(static_cast<int32_t>(extremes_ ? (chance(50) ? -128 : 127) : between(-128, 127)));
        }
        return q;
    }
    npu::TensorId tensor(const npu::Map& m, npu::Quantization q, bool input) {
        const Dims shape =
            m.depth > 1 ? Dims{m.depth, m.height, m.width, m.channels} : Dims{m.height, m.width, m.channels};
        out_.network.tensors.push_back({fmt::format("t{}", out_.shapes.size()), shape, std::move(q)});
        out_.shapes.push_back(shape);
        if (input) {
            std::vector<int8_t> codes(static_cast<size_t>(element_count(shape)));
            for (int8_t& c : codes) c = code();
            out_.inputs.push_back(std::move(codes));
        }
        return static_cast<npu::TensorId>(out_.shapes.size() - 1);
    }
    npu::TensorId input(const npu::Map& m) { return tensor(m, quantization(m.channels, chance(40)), true); }

    npu::OutputStage stage(double spread, int64_t count) {
        const bool per_channel = chance(60);
        const int64_t n = per_channel ? count : 1;
        if (chance(50)) {
            npu::Requantization q;
            for (int64_t i = 0; i < n; ++i) {
                q.m.push_back(static_cast<float>(real(0.2, 3) * 128 / spread));
                q.zero_point.push_back(static_cast<int32_t>(between(-128, 127)));
                q.lo.push_back(static_cast<int32_t>(chance(50) ? -128 : between(-128, 0)));
                q.hi.push_back(static_cast<int32_t>(chance(50) ? 127 : between(0, 127)));
            }
            if (extremes_) q.m.assign(q.m.size(), 1000.0F);
            return q;
        }
        npu::PiecewiseLinear t;
        for (int64_t i = 0; i < n; ++i) t.m16.push_back(static_cast<float>(real(0.2, 2) * 32768 / spread));
        for (int64_t b = between(-128, 0); b <= 127 && t.breakpoints.size() < 15; b += between(1, 30))
            t.breakpoints.push_back(static_cast<int8_t>(b));
        if (chance(20)) t.breakpoints.clear();
        for (size_t i = 0; i <= t.breakpoints.size(); ++i) {
            t.slope.push_back(static_cast<int16_t>(between(-32767, 32767)));
            t.intercept.push_back(static_cast<int16_t>(between(-32768, 32767)));
        }
        t.r = static_cast<int32_t>(between(0, 7));
        t.zero_point = static_cast<int32_t>(between(-128, 127));
        if (chance(50)) return t;
        t.r2 = static_cast<int32_t>(between(1, 7));
        for (int64_t i = 0; i < count; ++i) {
            t.channel_m.push_back(static_cast<int16_t>(between(0, 32767)));
            t.channel_zero_point.push_back(static_cast<int32_t>(between(-128, 127)));
            t.channel_lo.push_back(-128);
            t.channel_hi.push_back(static_cast<int32_t>(chance(50) ? 127 : between(0, 127)));
        }
        return t;
    }
    void finish(npu::Attributes attributes, std::vector<npu::TensorId> inputs, npu::OutputStage stage,
                npu::Quantization q) {
        npu::Layer layer;
        layer.name = kind_;
        layer.attributes = std::move(attributes);
        layer.inputs = std::move(inputs);
        layer.stage = std::move(stage);
        layer.weights = weights_;
        layer.bias = bias_;
        layer.pool_k = pool_k_;
        std::vector<Dims> in(out_.shapes);
        const Dims shape = npu::output_shape(layer.attributes, in, made_for_);
        out_.network.tensors.push_back({"y", shape, std::move(q)});
        out_.shapes.push_back(shape);
        layer.output = static_cast<npu::TensorId>(out_.shapes.size() - 1);
        out_.network.layers.push_back(std::move(layer));
        for (const Dims& s : out_.shapes) out_.text += fmt::format(" {}", to_string(s));
    }
    void conv();
    void fully_connected();
    void pool();
    void elementwise();
    void move();

    std::string kind_;
    std::mt19937 random_;
    int64_t grow_;
    bool extremes_ = false;
    LayerCase out_;
    std::vector<int8_t> weights_;
    std::vector<int32_t> bias_;
    double pool_k_ = 0;
    Dims made_for_;
};

void Maker::conv() {
    npu::Map m = map();
    npu::Conv c;
    c.groups = 1;
    const bool pointwise = kind_ == "pointwise";
    if (kind_ == "conv3d") m = {between(2, 5), grow_ * between(1, 7), grow_ * between(1, 7), between(1, 20)};
    if (kind_ == "grouped") {
        c.groups = between(2, 5);
        m.channels = c.groups * between(1, 20);
    }
    if (kind_ == "depthwise") {
        // Sizes at which kernels cut channels into slices, or rows into pieces.
        if (chance(10)) m = {1, between(1, 6), between(1, 6), 8 * between(16, 34)};
        if (chance(10)) m = {1, between(1, 5), between(40, 150), 8 * between(1, 12)};
        m.channels = std::max<int64_t>(2, m.channels);
        c.groups = m.channels;
    }
    c.in_channels = m.channels;
    c.out_channels = kind_ == "depthwise" ? m.channels * (chance(10) ? 2 : 1)
                                          : c.groups * (chance(50) ? channels() : between(1, 40));
    if (!pointwise) {
        c.window.height = axis(m.height, kind_ == "depthwise" ? 7 : 5, true);
        c.window.width = axis(m.width, kind_ == "depthwise" ? 7 : 5, true);
        if (kind_ == "conv3d") c.window.depth = axis(m.depth, 3, true);
    }
    const int64_t k = c.window.taps() * c.in_channels / c.groups;
    for (int64_t i = 0; i < c.out_channels * k; ++i)
        weights_.push_back(static_cast<int8_t>(extremes_ ? (chance(50) ? -127 : 127) : between(-127, 127)));
    for (int64_t i = 0; i < c.out_channels; ++i) bias_.push_back(static_cast<int32_t>(between(-(1 << 20), 1 << 20)));
    const auto x = input(m);
    const auto s = stage(8000.0 * std::sqrt(static_cast<double>(k)), c.out_channels);
    finish(c, {x}, s, quantization(c.out_channels, false));
}

void Maker::fully_connected() {
    npu::Map m =
        chance(50) ? npu::Map{1, 1, 1, grow_ * between(1, 400)} : npu::Map{1, between(1, 4), between(1, 4), channels()};
    const npu::FullyConnected fc{m.elements(), grow_ * between(1, 80)};
    for (int64_t i = 0; i < fc.in_features * fc.out_features; ++i)
        weights_.push_back(static_cast<int8_t>(extremes_ ? -127 : between(-127, 127)));
    for (int64_t i = 0; i < fc.out_features; ++i) bias_.push_back(static_cast<int32_t>(between(-(1 << 20), 1 << 20)));
    const auto x = input(m);
    made_for_ = {fc.out_features};
    const auto s = stage(8000.0 * std::sqrt(static_cast<double>(fc.in_features)), fc.out_features);
    finish(fc, {x}, s, quantization(fc.out_features, false));
}

void Maker::pool() {
    npu::Map m = map();
    npu::Pool p;
    p.kind = kind_ == "max_pool" ? npu::PoolKind::max : npu::PoolKind::average;
    if (kind_ == "global_pool") {
        m.height = grow_ * between(1, 30);
        m.width = grow_ * between(1, 30);
        p.global = true;
        if (chance(20)) p.kind = npu::PoolKind::max;
    } else {
        p.window.height = axis(m.height, 5, false);
        p.window.width = axis(m.width, 5, false);
    }
    const auto x = input(m);
    const auto& q = out_.network.tensors[0].quantization;
    if (p.kind == npu::PoolKind::max) return finish(p, {x}, {}, q);
    const npu::Quantization y = quantization(m.channels, chance(30));
    npu::Layer made;
    npu::set_global_average_pool(made, q, y, m.pixels());
    pool_k_ = made.pool_k;
    const auto s = p.global ? made.stage : npu::OutputStage{npu::make_average_pool(q, y, p.window.taps())};
    finish(p, {x}, s, y);
    out_.network.layers[0].pool_channel_k = p.global ? made.pool_channel_k : std::vector<double>{};
}

void Maker::elementwise() {
    const npu::Map m = map();
    const auto a = input(m);
    if (kind_ == "requantize")
        return finish(npu::Requantize{}, {a}, stage(128, m.channels), quantization(m.channels, false));
    npu::Map other = m;
    if (kind_ == "scale") other.channels = 1;
    const auto b = input(other);
    if (kind_ != "add") return finish(npu::Mul{}, {a, b}, stage(8000, m.channels), quantization(m.channels, false));
    npu::AddArithmetic s;
    const int64_t n = chance(50) ? m.channels : 1;
    for (int64_t i = 0; i < n; ++i) {
        s.ma.push_back(static_cast<int16_t>(between(extremes_ ? 32000 : 0, 32767)));
        s.mb.push_back(static_cast<int16_t>(between(extremes_ ? 32000 : 0, 32767)));
        s.zero_point.push_back(static_cast<int32_t>(between(-128, 127)));
        s.lo.push_back(static_cast<int32_t>(between(-128, 0)));
        s.hi.push_back(static_cast<int32_t>(between(0, 127)));
    }
    s.r = static_cast<int32_t>(between(0, 7));
    finish(npu::Add{}, {a, b}, s, quantization(m.channels, false));
}

void Maker::move() {
    npu::Map m = map();
    if (kind_ == "space_to_depth") m = {1, 2 * between(1, 6), 2 * between(1, 6), between(1, 20)};
    const auto x = input(m);
    const npu::Quantization q = out_.network.tensors[0].quantization;
    if (kind_ == "concat") {
        std::vector<npu::TensorId> ids{x};
        const int64_t axis = between(0, 2), count = between(1, 3);
        for (int64_t i = 0; i < count; ++i) {
            npu::Map other = m;
            (axis == 0 ? other.height : axis == 1 ? other.width : other.channels) = between(1, 20);
            ids.push_back(tensor(other, quantization(1, false), true));
        }
        return finish(npu::Concat{axis}, ids, {}, quantization(1, false));
    }
    if (kind_ == "pad") {
        npu::Pad p;
        p.height = {1, 1, 1, between(0, 3), between(0, 3)};
        p.width = {1, 1, 1, between(0, 3), between(0, 3)};
        if (chance(50)) p.channels_before = between(0, 3);
        if (chance(50)) p.channels_after = between(0, 20);
        return finish(p, {x}, {}, quantization(m.channels + p.channels_before + p.channels_after, chance(50)));
    }
    if (kind_ == "crop") {
        npu::Crop c;
        npu::Map y = m;
        const auto cut = [&](size_t i, int64_t& size) {
            c.step[i] = chance(60) ? 1 : between(1, 3);
            const int64_t whole = size;
            c.first[i] = between(0, size - 1);
            size = between(1, (size - 1 - c.first[i]) / c.step[i] + 1);
            c.end[i] = c.first[i] + (size - 1) * c.step[i] + 1;
            if (chance(30)) c.end[i] = c.end[i] == whole ? npu::Crop::kOpen : c.end[i] - whole;
            if (chance(30)) c.first[i] -= whole;
        };
        cut(1, y.height);
        cut(2, y.width);
        if (chance(50)) cut(3, y.channels);
        return finish(c, {x}, {}, q);
    }
    if (kind_ == "upsample" && chance(50)) {
        npu::Map like = m;
        for (int64_t* size : {&like.height, &like.width}) {
            const int64_t times = between(1, 4);
            *size = *size * times - (times > 1 && chance(50) ? 1 : 0);
        }
        return finish(npu::Upsample{1, 1, input(like)}, {x}, {}, q);
    }
    if (kind_ == "upsample") return finish(npu::Upsample{between(1, 3), between(1, 3)}, {x}, {}, q);
    if (kind_ == "space_to_depth") return finish(npu::SpaceToDepth{2}, {x}, {}, quantization(1, false));
    if (kind_ == "reorder") {
        npu::ChannelReorder r;
        for (int64_t c = 0; c < m.channels; ++c) r.source.push_back(between(0, m.channels - 1));
        return finish(r, {x}, {}, quantization(1, false));
    }
    made_for_ = {m.elements()};
    finish(npu::Reshape{}, {x}, {}, quantization(1, false));
}

LayerCase Maker::make() {
    extremes_ = chance(10);
    const auto one_of = [&](std::initializer_list<const char*> kinds) {
        for (const char* k : kinds)
            if (kind_ == k) return true;
        return false;
    };
    if (one_of({"conv", "grouped", "depthwise", "pointwise", "conv3d"}))
        conv();
    else if (kind_ == "fully_connected")
        fully_connected();
    else if (one_of({"max_pool", "average_pool", "global_pool"}))
        pool();
    else if (one_of({"add", "mul", "scale", "requantize"}))
        elementwise();
    else
        move();
    return std::move(out_);
}

}  // namespace

LayerCase random_layer(const std::string& kind, uint32_t seed, int64_t grow) { return Maker(kind, seed, grow).make(); }

const std::vector<std::string>& layer_kinds() {
    static const std::vector<std::string> kinds{
        "conv",       "grouped",      "depthwise",   "pointwise", "conv3d",   "fully_connected",
        "max_pool",   "average_pool", "global_pool", "add",       "mul",      "scale",
        "requantize", "concat",       "pad",         "crop",      "upsample", "space_to_depth",
        "reorder",    "reshape"};
    return kinds;
}

}  // namespace calotype::emulate
