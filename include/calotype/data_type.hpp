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
    string,
};

/// Bytes of one element; 0 for string.
int64_t bytes_of(DataType type);

/// "float32", "uint8", ... as NumPy spells them.
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
