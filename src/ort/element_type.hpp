#pragma once

#include <onnxruntime_c_api.h>

#include "base/data_type.hpp"

namespace calotype::ort {

/// ONNX Runtime's number of a type: TensorProto's up to 23.
ONNXTensorElementDataType to_ort(DataType type);
/// Throws Error TENSOR_TYPE for a type that is unknown here.
DataType from_ort(ONNXTensorElementDataType type);

}  // namespace calotype::ort
