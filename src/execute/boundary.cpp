#include "execute/boundary.hpp"

#include <bit>

namespace calotype::execute {
namespace {

// 1.5 * 2^23: added to a float of at most 2^22, its last bits are that float rounded to nearest even. Needs no SSE4.1,
// so the loops vectorise on any x86-64.
constexpr float kRounder = 12582912.0F;

int8_t code_of(float real, float coefficient, float lo, float hi, int32_t zero_point) {
    float scaled = real * coefficient;
    scaled = scaled < lo ? lo : scaled;  // NaN passes both
    scaled = scaled > hi ? hi : scaled;
    scaled = scaled == scaled ? scaled : 0.0F;
    const auto rounded = std::bit_cast<int32_t>(scaled + kRounder) - std::bit_cast<int32_t>(kRounder);
    return static_cast<int8_t>(rounded + zero_point);
}

void one_scale(const float* reals, int8_t* codes, int64_t count, float coefficient, float lo, float hi,
               int32_t zero_point) {
    for (int64_t i = 0; i < count; ++i) codes[i] = code_of(reals[i], coefficient, lo, hi, zero_point);
}

void scale_per_channel(const float* reals, int8_t* codes, int64_t count, int64_t channels, const float* coefficient,
                       const float* lo, const float* hi, const int32_t* zero_point) {
    for (int64_t i = 0; i < count; i += channels) {
        for (int64_t c = 0; c < channels; ++c) {
            codes[i + c] = code_of(reals[i + c], coefficient[c], lo[c], hi[c], zero_point[c]);
        }
    }
}

float* room(std::vector<float>& spare, int64_t elements) {
    if (static_cast<int64_t>(spare.size()) < elements) spare.resize(static_cast<size_t>(elements));
    return spare.data();
}

}  // namespace

Conversion::Conversion(const npu::Placement& placement, const npu::Quantization& quantization, Boundary boundary)
    : to_tensor_(placement.split, placement.axes),
      to_value_(to_tensor_.inverse()),
      boundary_(boundary),
      scale_(quantization.scale),
      zero_point_(quantization.zero_point) {
    for (size_t c = 0; c < scale_.size(); ++c) {
        coefficient_.push_back(static_cast<float>(1.0 / double{scale_[c]}));
        lo_.push_back(static_cast<float>(-128 - zero_point_[c]));
        hi_.push_back(static_cast<float>(127 - zero_point_[c]));
    }
}

Broken Conversion::count_broken(const float* reals) const {
    const float lo = boundary_ == Boundary::uint8 ? 0.0F : -128.0F, hi = lo + 255.0F;
    const bool whole = boundary_ == Boundary::uint8 || boundary_ == Boundary::int8;
    const auto broken = [&](float x) {
        if (!whole) return x != x;
        return !(x >= lo && x <= hi) || (x + kRounder) - kRounder != x;
    };
    Broken found;
    for (int64_t i = 0; i < elements(); ++i) found.values += broken(reals[i]) ? 1 : 0;
    if (found.values > 0) found.example = *std::find_if(reals, reals + elements(), broken);
    return found;
}

Broken Conversion::to_codes(const float* reals, std::span<int8_t> codes, std::vector<float>& spare) const {
    const Broken broken = count_broken(reals);
    const int64_t count = elements();
    const auto channels = static_cast<int64_t>(scale_.size());
    if (!to_tensor_.identity()) {
        float* ordered = room(spare, count);
        to_tensor_.apply(reals, ordered);
        reals = ordered;
    }
    if (channels == 1)
        one_scale(reals, codes.data(), count, coefficient_[0], lo_[0], hi_[0], zero_point_[0]);
    else
        scale_per_channel(reals, codes.data(), count, channels, coefficient_.data(), lo_.data(), hi_.data(),
                          zero_point_.data());
    return broken;
}

Broken Conversion::to_codes(const uint8_t* bytes, std::span<int8_t> codes, std::vector<float>& spare) const {
    if (boundary_ == Boundary::uint8 && scale_.size() == 1 && scale_[0] == 1.0F && zero_point_[0] == -128) {
        to_tensor_.apply(bytes, reinterpret_cast<uint8_t*>(codes.data()));
        for (int8_t& code : codes) code = static_cast<int8_t>(static_cast<uint8_t>(code) ^ 0x80U);  // u - 128
        return {};
    }
    const std::vector<float> reals(bytes, bytes + elements());
    return to_codes(reals.data(), codes, spare);
}

void Conversion::to_reals(std::span<const int8_t> codes, float* reals, std::vector<float>& spare) const {
    const int64_t count = elements();
    const auto channels = static_cast<int64_t>(scale_.size());
    float* ordered = to_value_.identity() ? reals : room(spare, count);
    for (int64_t i = 0; i < count; i += channels) {
        for (int64_t c = 0; c < channels; ++c) {
            const auto at = static_cast<size_t>(c);
            ordered[i + c] = static_cast<float>(codes[static_cast<size_t>(i + c)] - zero_point_[at]) * scale_[at];
        }
    }
    if (ordered != reals) to_value_.apply(ordered, reals);
}

}  // namespace calotype::execute
