#include "base/narrow_types.hpp"

#include <cmath>

namespace calotype {
namespace {

/// A sign, an exponent and a fraction.
struct Format {
    int exponent_bits, fraction_bits, bias;
    enum { none, nan_at_all_ones, nan_at_minus_zero, ieee } special;
};

double decoded(const Format& format, unsigned code) {
    const unsigned ones = (1U << (format.exponent_bits + format.fraction_bits)) - 1, magnitude = code & ones;
    const bool negative = code > ones;
    const auto fraction = static_cast<int>(magnitude & ((1U << format.fraction_bits) - 1));
    const auto exponent = static_cast<int>(magnitude >> format.fraction_bits);
    if (format.special == Format::nan_at_all_ones && magnitude == ones) return NAN;
    if (format.special == Format::nan_at_minus_zero && negative && magnitude == 0) return NAN;
    if (format.special == Format::ieee && exponent == (1 << format.exponent_bits) - 1)
        return fraction != 0 ? NAN : negative ? -HUGE_VAL : HUGE_VAL;
    const int first = exponent == 0 ? 0 : 1 << format.fraction_bits;  // the bit that is not written
    const double value = std::ldexp(first + fraction, std::max(exponent, 1) - format.bias - format.fraction_bits);
    return negative ? -value : value;
}

double integer(unsigned code, int bits, bool is_signed) {
    const int sign = is_signed ? 1 << (bits - 1) : 0;
    return (static_cast<int>(code) ^ sign) - sign;
}

unsigned mask_of(DataType type) { return (1U << bits_of(type)) - 1; }

}  // namespace

double narrow_value(DataType type, uint8_t byte) {
    const unsigned code = byte & mask_of(type);
    switch (type) {
        case DataType::float8_e4m3fn: return decoded({4, 3, 7, Format::nan_at_all_ones}, code);
        case DataType::float8_e4m3fnuz: return decoded({4, 3, 8, Format::nan_at_minus_zero}, code);
        case DataType::float8_e5m2: return decoded({5, 2, 15, Format::ieee}, code);
        case DataType::float8_e5m2fnuz: return decoded({5, 2, 16, Format::nan_at_minus_zero}, code);
        case DataType::float8_e8m0fnu: return code == 255 ? NAN : std::ldexp(1.0, static_cast<int>(code) - 127);
        case DataType::float4_e2m1fn: return decoded({2, 1, 1, Format::none}, code);
        case DataType::int4: return integer(code, 4, true);
        case DataType::uint4: return integer(code, 4, false);
        case DataType::int2: return integer(code, 2, true);
        case DataType::uint2: return integer(code, 2, false);
        default: break;
    }
    CALOTYPE_ASSERT(false, "a narrow type is one of these");
}

int64_t packed_bytes(DataType type, int64_t elements) {
    const int64_t in_a_byte = is_narrow(type) ? 8 / bits_of(type) : 1;
    return in_a_byte == 1 ? elements * bytes_of(type) : (elements + in_a_byte - 1) / in_a_byte;
}

std::vector<std::byte> packed(const Tensor& tensor) {
    const DataType type = tensor.type();
    const auto bytes = tensor.bytes();
    if (!is_narrow(type) || bits_of(type) == 8) return {bytes.begin(), bytes.end()};
    const auto bits = static_cast<size_t>(bits_of(type)), in_a_byte = 8 / bits;
    std::vector<std::byte> out(static_cast<size_t>(packed_bytes(type, tensor.elements())));
    for (size_t i = 0; i < bytes.size(); ++i)
        out[i / in_a_byte] |= (bytes[i] & static_cast<std::byte>(mask_of(type))) << (i % in_a_byte * bits);
    return out;
}

Tensor unpacked(DataType type, Dims dims, std::span<const std::byte> bytes) {
    if (!is_narrow(type) || bits_of(type) == 8) return Tensor(type, std::move(dims), {bytes.begin(), bytes.end()});
    const auto bits = static_cast<size_t>(bits_of(type)), in_a_byte = 8 / bits;
    Tensor tensor(type, std::move(dims));
    CALOTYPE_ASSERT(static_cast<int64_t>(bytes.size()) == packed_bytes(type, tensor.elements()),
                    "packed bytes fill the dims");
    for (size_t i = 0; i < tensor.bytes().size(); ++i)
        tensor.bytes()[i] = (bytes[i / in_a_byte] >> (i % in_a_byte * bits)) & static_cast<std::byte>(mask_of(type));
    return tensor;
}

void clear_unused_bits(Tensor& tensor) {
    if (!is_narrow(tensor.type()) || bits_of(tensor.type()) == 8) return;
    for (std::byte& code : tensor.bytes()) code &= static_cast<std::byte>(mask_of(tensor.type()));
}

}  // namespace calotype
