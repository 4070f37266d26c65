#pragma once

#include <cstdint>
#include <string_view>

namespace calotype {

enum class DataType : uint8_t {
    float32,
    float64,
    float16,
    bfloat16,
    int8,
    uint8,
    int16,
    uint16,
    int32,
    uint32,
    int64,
    uint64,
    boolean,
    string,  ///< UTF-8 of any length
    // What the NPU never sees: CPU subgraphs read and make them. One byte an element, whatever the width: the code in its
    // low bits, the others zero, as the Python package ml_dtypes has them. Packed only where ONNX and ONNX Runtime want it.
    float8_e4m3fn,
    float8_e4m3fnuz,
    float8_e5m2,
    float8_e5m2fnuz,
    float8_e8m0fnu,
    float4_e2m1fn,
    int4,
    uint4,
    int2,
    uint2,
};

/// Bytes of one element; 0 for string.
int64_t bytes_of(DataType type);

/// Bits of one element's code: 4 of the byte of an int4; 0 for string.
int64_t bits_of(DataType type);

/// Of the types that the NPU never sees, one of numbers: float8, int4 and narrower.
bool is_narrow(DataType type);

/// "float32", "uint8", ... as NumPy spells them, "float8_e4m3fn" as ml_dtypes does; "string".
std::string_view name_of(DataType type);

/// The DataType of a C++ element type.
template <class T>
constexpr DataType data_type_of();

template <>
constexpr DataType data_type_of<float>() {
    return DataType::float32;
}
template <>
constexpr DataType data_type_of<double>() {
    return DataType::float64;
}
template <>
constexpr DataType data_type_of<int8_t>() {
    return DataType::int8;
}
template <>
constexpr DataType data_type_of<uint8_t>() {
    return DataType::uint8;
}
template <>
constexpr DataType data_type_of<int16_t>() {
    return DataType::int16;
}
template <>
constexpr DataType data_type_of<uint16_t>() {
    return DataType::uint16;
}
template <>
constexpr DataType data_type_of<int32_t>() {
    return DataType::int32;
}
template <>
constexpr DataType data_type_of<uint32_t>() {
    return DataType::uint32;
}
template <>
constexpr DataType data_type_of<int64_t>() {
    return DataType::int64;
}
template <>
constexpr DataType data_type_of<uint64_t>() {
    return DataType::uint64;
}
template <>
constexpr DataType data_type_of<bool>() {
    return DataType::boolean;
}

}  // namespace calotype
