#include "execute/boundary.hpp"

#include <algorithm>

#include "execute/boundary_loops.hpp"
#include "npu/fixed_point.hpp"

namespace calotype::execute {
namespace {

void scale_per_channel(const float* reals, int8_t* codes, int64_t count, int64_t channels, const float* coefficient,
                       const float* lo, const float* hi, const int32_t* zero_point) {
    for (int64_t i = 0; i < count; i += channels) {
        for (int64_t c = 0; c < channels; ++c) {
            codes[i + c] = code_of(reals[i + c], coefficient[c], lo[c], hi[c], zero_point[c]);
        }
    }
}

/// A value far outside of what the samples showed is told of: an input in other units, an infinity. One that is a
/// little beyond them is what clamping is for.
RealType type_of(Boundary boundary, const npu::Quantization& quantization) {
    if (boundary == Boundary::uint8) return {0, 255, true};
    if (boundary == Boundary::int8) return {-128, 127, true};
    RealType type{0, 0, false};
    for (size_t c = 0; c < quantization.scale.size(); ++c) {
        const float width = 255 * quantization.scale[c];
        const float zero = static_cast<float>(quantization.zero_point[c]) * quantization.scale[c];
        type.lo = std::min(type.lo, -128 * quantization.scale[c] - zero - width);
        type.hi = std::max(type.hi, 127 * quantization.scale[c] - zero + width);
    }
    return type;
}

/// u -> u - 128 and back, in one byte.
int8_t shifted(int8_t code) { return static_cast<int8_t>(static_cast<uint8_t>(code) ^ 0x80U); }

float* room(std::vector<float>& spare, int64_t elements) {
    if (static_cast<int64_t>(spare.size()) < elements) spare.resize(static_cast<size_t>(elements));
    return spare.data();
}

}  // namespace

Conversion::Conversion(const npu::Placement& placement, const npu::Quantization& quantization, Boundary boundary)
    : to_tensor_(placement.split, placement.axes),
      to_value_(to_tensor_.inverse()),
      boundary_(boundary),
      type_(type_of(boundary, quantization)),
      scale_(quantization.scale),
      zero_point_(quantization.zero_point) {
    for (size_t c = 0; c < scale_.size(); ++c) {
        coefficient_.push_back(npu::coefficient_of(scale_[c]));
        lo_.push_back(static_cast<float>(-128 - zero_point_[c]));
        hi_.push_back(static_cast<float>(127 - zero_point_[c]));
    }
}

Broken Conversion::to_codes(const float* reals, std::span<int8_t> codes, std::vector<float>& spare) const {
    return scale_.size() == 1 ? one_scale_to_codes(reals, codes, spare) : channels_to_codes(reals, codes, spare);
}

/// Codes are made in the value's order and then moved: they are a quarter of the bytes.
Broken Conversion::one_scale_to_codes(const float* reals, std::span<int8_t> codes, std::vector<float>& spare) const {
    const OneScale scale{coefficient_[0], lo_[0], hi_[0], zero_point_[0], type_};
    const int64_t count = elements();
    const bool moved = !to_tensor_.identity();
    int8_t* made = moved ? reinterpret_cast<int8_t*>(room(spare, count / 4 + 1)) : codes.data();
    Broken broken;
    broken.values = reals_to_codes(reals, made, count, scale);
    if (broken.values > 0)
        broken.example = *std::find_if(reals, reals + count, [&](float x) { return breaks(x, type_); });
    const int64_t planes = to_tensor_.planes();
    if (moved && (planes == 3 || planes == 4))
        planes_to_pixels(made, codes.data(), count / planes, planes);
    else if (moved)
        to_tensor_.apply(made, codes.data());
    return broken;
}

Broken Conversion::channels_to_codes(const float* reals, std::span<int8_t> codes, std::vector<float>& spare) const {
    const int64_t count = elements();
    Broken broken;
    for (int64_t i = 0; i < count; ++i) {
        if (!breaks(reals[i], type_)) continue;
        if (broken.values++ == 0) broken.example = reals[i];
    }
    if (!to_tensor_.identity()) {
        float* ordered = room(spare, count);
        to_tensor_.apply(reals, ordered);
        reals = ordered;
    }
    scale_per_channel(reals, codes.data(), count, static_cast<int64_t>(scale_.size()), coefficient_.data(), lo_.data(),
                      hi_.data(), zero_point_.data());
    return broken;
}

Broken Conversion::to_codes(const uint8_t* bytes, std::span<int8_t> codes, std::vector<float>& spare) const {
    if (boundary_ == Boundary::uint8 && scale_.size() == 1 && scale_[0] == 1.0F && zero_point_[0] == -128) {
        take_codes(DataType::uint8, reinterpret_cast<const std::byte*>(bytes), codes);
        return {};
    }
    const std::vector<float> reals(bytes, bytes + elements());
    return to_codes(reals.data(), codes, spare);
}

void Conversion::take_codes(DataType type, const std::byte* value, std::span<int8_t> codes) const {
    to_tensor_.apply(reinterpret_cast<const int8_t*>(value), codes.data());
    if (type == DataType::uint8) std::ranges::transform(codes, codes.begin(), shifted);
}

void Conversion::give_codes(DataType type, std::span<const int8_t> codes, std::byte* value) const {
    const std::span out(reinterpret_cast<int8_t*>(value), static_cast<size_t>(elements()));
    to_value_.apply(codes.data(), out.data());
    if (type == DataType::uint8) std::ranges::transform(out, out.begin(), shifted);
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
