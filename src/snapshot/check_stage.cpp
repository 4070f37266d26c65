#include "snapshot/check_stage.hpp"

#include <algorithm>
#include <cmath>

#include "snapshot/damaged.hpp"

namespace calotype::snapshot {
namespace {

template <class T>
bool one_or_each(const std::vector<T>& values, int64_t channels) {
    return values.size() == 1 || static_cast<int64_t>(values.size()) == channels;
}
template <class T>
bool codes(const std::vector<T>& values) {
    return std::ranges::all_of(values, [](int64_t value) { return -128 <= value && value <= 127; });
}
bool finite(const std::vector<float>& values) {
    return std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
}
// -32768 times itself is the one product in which vpmulhrsw and sqrdmulh differ.
bool factors(const std::vector<int16_t>& values) {
    return std::ranges::all_of(values, [](int16_t value) { return value > -32768; });
}

struct GoodStage {
    int64_t channels;
    bool operator()(const std::monostate&) const { return true; }
    bool operator()(const npu::Requantization& s) const {
        return one_or_each(s.m, channels) && one_or_each(s.zero_point, channels) && one_or_each(s.lo, channels) &&
               one_or_each(s.hi, channels) && finite(s.m) && codes(s.zero_point) && codes(s.lo) && codes(s.hi);
    }
    bool operator()(const npu::PiecewiseLinear& s) const {
        const size_t segments = s.breakpoints.size() + 1;
        const bool table = segments <= 16 && s.slope.size() == segments && s.intercept.size() == segments &&
                           std::ranges::is_sorted(s.breakpoints) && factors(s.slope) && 0 <= s.r && s.r <= 7;
        const bool single = codes(std::vector{s.zero_point, s.lo, s.hi});
        const auto several = static_cast<int64_t>(s.channel_m.size());
        const bool each = several == 0 || one_or_each(s.channel_m, channels);
        const bool same = s.channel_zero_point.size() == s.channel_m.size() &&
                          s.channel_lo.size() == s.channel_m.size() && s.channel_hi.size() == s.channel_m.size();
        return table && single && each && same && one_or_each(s.m16, channels) && finite(s.m16) &&
               factors(s.channel_m) && codes(s.channel_zero_point) && codes(s.channel_lo) && codes(s.channel_hi) &&
               0 <= s.r2 && s.r2 <= 15;
    }
    bool operator()(const npu::AddArithmetic& s) const {
        return one_or_each(s.ma, channels) && one_or_each(s.mb, channels) && one_or_each(s.zero_point, channels) &&
               one_or_each(s.lo, channels) && one_or_each(s.hi, channels) && factors(s.ma) && factors(s.mb) &&
               codes(s.zero_point) && codes(s.lo) && codes(s.hi) && 0 <= s.r && s.r <= 7;
    }
};

/// Whether layers of this kind make a sum that a stage turns into codes.
struct FitsKind {
    const npu::Layer& layer;
    const npu::OutputStage& stage = layer.stage;
    bool sums() const {
        return std::holds_alternative<npu::Requantization>(stage) ||
               std::holds_alternative<npu::PiecewiseLinear>(stage);
    }
    bool operator()(const npu::Conv&) const { return sums(); }
    bool operator()(const npu::FullyConnected&) const { return sums(); }
    bool operator()(const npu::Mul&) const { return sums(); }
    bool operator()(const npu::Requantize&) const { return sums(); }
    bool operator()(const npu::Pool& pool) const {
        if (pool.kind == npu::PoolKind::max) return std::holds_alternative<std::monostate>(stage);
        if (!pool.global) return sums();
        // Its factors are made anew for each map size, in place of those of the stage.
        const auto* made = std::get_if<npu::Requantization>(&stage);
        return made != nullptr && (layer.pool_channel_k.empty() || layer.pool_channel_k.size() == made->m.size());
    }
    bool operator()(const npu::Add&) const { return std::holds_alternative<npu::AddArithmetic>(stage); }
    template <class Moves>
    bool operator()(const Moves&) const {
        return std::holds_alternative<std::monostate>(stage);
    }
};

}  // namespace

void check_quantization(const npu::Quantization& quantization, int64_t channels, const std::string& where) {
    require(one_or_each(quantization.scale, channels) && quantization.zero_point.size() == quantization.scale.size(),
            where, "scales and zero points are neither one nor one a channel");
    require(finite(quantization.scale) && std::ranges::all_of(quantization.scale, [](float s) { return s > 0; }), where,
            "a scale is not above zero");
    require(codes(quantization.zero_point), where, "a zero point is no code");
}

void check_stage(const npu::Layer& layer, int64_t channels, const std::string& where) {
    require(std::visit(FitsKind{layer}, layer.attributes), where, "its output stage does not fit its kind");
    require(std::visit(GoodStage{channels}, layer.stage), where,
            "its output stage has a number out of range or of channels");
    require(
        std::isfinite(layer.pool_k) && (layer.pool_channel_k.empty() || one_or_each(layer.pool_channel_k, channels)),
        where, "its pool factors are out of range");
}

}  // namespace calotype::snapshot
