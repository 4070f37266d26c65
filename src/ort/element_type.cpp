#include "ort/element_type.hpp"

#include <fmt/format.h>

#include <array>

#include "base/error.hpp"

namespace calotype::ort {
namespace {

struct TypePair {
    DataType ours;
    ONNXTensorElementDataType theirs;
};

/// Types that came after the header that is built against; ONNX Runtime 1.32 has these numbers for them.
constexpr auto later(int number) { return static_cast<ONNXTensorElementDataType>(number); }

constexpr std::array<TypePair, 24> kTypes = {{
    {DataType::float32, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT},
    {DataType::float64, ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE},
    {DataType::float16, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16},
    {DataType::bfloat16, ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16},
    {DataType::int8, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8},
    {DataType::uint8, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8},
    {DataType::int16, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16},
    {DataType::uint16, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16},
    {DataType::int32, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32},
    {DataType::uint32, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT32},
    {DataType::int64, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64},
    {DataType::uint64, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT64},
    {DataType::boolean, ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL},
    {DataType::string, ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING},
    {DataType::float8_e4m3fn, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT8E4M3FN},
    {DataType::float8_e4m3fnuz, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT8E4M3FNUZ},
    {DataType::float8_e5m2, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT8E5M2},
    {DataType::float8_e5m2fnuz, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT8E5M2FNUZ},
    {DataType::uint4, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT4},
    {DataType::int4, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT4},
    {DataType::float4_e2m1fn, later(23)},
    {DataType::uint2, later(24)},
    {DataType::int2, later(25)},
    {DataType::float8_e8m0fnu, later(26)},
}};

}  // namespace

ONNXTensorElementDataType to_ort(DataType type) {
    for (const TypePair& pair : kTypes) {
        if (pair.ours == type) return pair.theirs;
    }
    CALOTYPE_ASSERT(false, "every type is one of ONNX Runtime's");
}

DataType from_ort(ONNXTensorElementDataType type) {
    for (const TypePair& pair : kTypes) {
        if (pair.theirs == type) return pair.ours;
    }
    throw Error(
        {"TENSOR_TYPE", fmt::format("ONNX Runtime's element type {}", static_cast<int>(type)), "it is unknown here"});
}

}  // namespace calotype::ort
