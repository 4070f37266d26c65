#pragma once

#include <optional>

#include "base/data_type.hpp"

namespace calotype::onnx {

/// TensorProto.DataType; nothing for a type that calotype does not hold.
std::optional<DataType> from_onnx(int64_t type);
int32_t to_onnx(DataType type);

}  // namespace calotype::onnx
