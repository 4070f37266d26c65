#include "base/tensor.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/narrow_types.hpp"

namespace calotype {
namespace {

constexpr int64_t kMostElements = std::numeric_limits<int64_t>::max() / 8;  // of any type

double from_half(uint16_t bits) {
    const int exponent = (bits >> 10) & 31;
    const int fraction = bits & 1023;
    double magnitude;
    if (exponent == 31) {
        magnitude = fraction == 0 ? HUGE_VAL : NAN;
    } else {
        magnitude = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    }
    return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

double from_bfloat16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

template <class From, class To>
std::vector<To> converted(const Tensor& tensor) {
    std::vector<To> out(static_cast<size_t>(tensor.elements()));
    const std::byte* from = tensor.bytes().data();
    for (size_t i = 0; i < out.size(); ++i) {
        From value;
        std::memcpy(&value, from + i * sizeof(From), sizeof(From));
        out[i] = static_cast<To>(value);
    }
    return out;
}

template <class To>
std::vector<To> converted_bits(const Tensor& tensor, double (*decode)(uint16_t)) {
    const auto bits = converted<uint16_t, uint16_t>(tensor);
    std::vector<To> out(bits.size());
    for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<To>(decode(bits[i]));
    return out;
}

template <class To>
std::vector<To> converted_narrow(const Tensor& tensor) {
    std::vector<To> out(tensor.bytes().size());
    for (size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<To>(narrow_value(tensor.type(), std::to_integer<uint8_t>(tensor.bytes()[i])));
    return out;
}

template <class To>
std::vector<To> convert(const Tensor& tensor) {
    switch (tensor.type()) {
        case DataType::float32: return converted<float, To>(tensor);
        case DataType::float64: return converted<double, To>(tensor);
        case DataType::float16: return converted_bits<To>(tensor, from_half);
        case DataType::bfloat16: return converted_bits<To>(tensor, from_bfloat16);
        case DataType::int8: return converted<int8_t, To>(tensor);
        case DataType::uint8: return converted<uint8_t, To>(tensor);
        case DataType::int16: return converted<int16_t, To>(tensor);
        case DataType::uint16: return converted<uint16_t, To>(tensor);
        case DataType::int32: return converted<int32_t, To>(tensor);
        case DataType::uint32: return converted<uint32_t, To>(tensor);
        case DataType::int64: return converted<int64_t, To>(tensor);
        case DataType::uint64: return converted<uint64_t, To>(tensor);
        case DataType::boolean: return converted<uint8_t, To>(tensor);
        case DataType::string: break;
        default: return converted_narrow<To>(tensor);
    }
    throw Error({"TENSOR_TYPE", "a tensor of strings", "holds no numbers"});
}

}  // namespace

int64_t element_count(std::span<const int64_t> dims) {
    int64_t count = 1;
    for (const int64_t dim : dims) {
        if (dim < 0 || __builtin_mul_overflow(count, dim, &count) || count > kMostElements) {
            throw Error({"TENSOR_TOO_LARGE", fmt::format("shape {}", to_string(dims)),
                         "a dim is negative or its bytes could not be counted in 64 bits"});
        }
    }
    return count;
}

std::string to_string(std::span<const int64_t> dims) { return fmt::format("[{}]", fmt::join(dims, ", ")); }

Tensor::Tensor(DataType type, Dims dims) : type_(type), dims_(std::move(dims)), elements_(element_count(dims_)) {
    bytes_.resize(static_cast<size_t>(elements_ * bytes_of(type_)));
    if (type_ == DataType::string) strings_.resize(static_cast<size_t>(elements_));
}

Tensor::Tensor(DataType type, Dims dims, std::vector<std::byte> bytes)
    : type_(type), dims_(std::move(dims)), elements_(element_count(dims_)), bytes_(std::move(bytes)) {
    CALOTYPE_ASSERT(static_cast<int64_t>(bytes_.size()) == elements_ * bytes_of(type_),
                    "a tensor's bytes fill its dims");
    CALOTYPE_ASSERT(type_ != DataType::string, "strings are no bytes");
}

Tensor::Tensor(Dims dims, std::vector<std::string> strings)
    : type_(DataType::string), dims_(std::move(dims)), elements_(element_count(dims_)), strings_(std::move(strings)) {
    CALOTYPE_ASSERT(static_cast<int64_t>(strings_.size()) == elements_, "a tensor's strings fill its dims");
}

Tensor Tensor::reshaped(Dims dims) const {
    if (type_ == DataType::string) return Tensor(std::move(dims), strings_);
    return Tensor(type_, std::move(dims), bytes_);
}

std::vector<double> to_doubles(const Tensor& tensor) { return convert<double>(tensor); }

std::vector<float> to_floats(const Tensor& tensor) { return convert<float>(tensor); }

std::vector<int64_t> to_int64s(const Tensor& tensor) {
    const DataType type = tensor.type();
    if (type == DataType::float32 || type == DataType::float64 || type == DataType::float16 ||
        type == DataType::bfloat16 || type == DataType::string ||
        (type >= DataType::float8_e4m3fn && type <= DataType::float4_e2m1fn)) {
        throw Error({"TENSOR_TYPE", fmt::format("a tensor of {}", name_of(type)), "integers are needed here"});
    }
    return convert<int64_t>(tensor);
}

}  // namespace calotype
