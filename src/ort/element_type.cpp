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
constexpr std::array<TypePair, 13> kTypes = {{
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
}};

}  // namespace

ONNXTensorElementDataType to_ort(DataType type) {
    for (const TypePair& pair : kTypes) {
        if (pair.ours == type) return pair.theirs;
    }
    throw Error({"TENSOR_TYPE", fmt::format("a tensor of {}", name_of(type)), "it cannot be given to ONNX Runtime"});
}

DataType from_ort(ONNXTensorElementDataType type) {
    for (const TypePair& pair : kTypes) {
        if (pair.theirs == type) return pair.ours;
    }
    if (type == ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING) return DataType::string;
    throw Error(
        {"TENSOR_TYPE", fmt::format("ONNX Runtime's element type {}", static_cast<int>(type)), "it is unknown here"});
}

}  // namespace calotype::ort
