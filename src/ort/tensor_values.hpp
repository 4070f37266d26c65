#pragma once

#include <memory>

#include "base/tensor.hpp"
#include "calotype/limits.hpp"

struct OrtApi;
struct OrtAllocator;
struct OrtMemoryInfo;
struct OrtValue;
struct OrtTensorTypeAndShapeInfo;

namespace calotype::ort {

/// A tensor for ONNX Runtime to read: over its bytes, which must outlive it, or a copy where ONNX Runtime keeps the
/// elements otherwise (strings, packed ones).
OrtValue* value_of(const OrtApi& api, const Tensor& tensor, const OrtMemoryInfo* memory, OrtAllocator* allocator);

/// A copy of a tensor that ONNX Runtime made. Throws Error STRING_UTF8, LIMIT_MEMORY for strings that together are
/// longer than the memory allowed.
Tensor tensor_of(const OrtApi& api, const OrtValue* value, const Limits& limits);

void read_shape(const OrtApi& api, const OrtTensorTypeAndShapeInfo& info, DataType& type, Dims& dims);

}  // namespace calotype::ort
