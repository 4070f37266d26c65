#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/tensor.hpp"

namespace calotype {

/// What the code of a narrow type stands for: ONNX's float8, float4 and int4 formats (onnx/docs/docsgen, float8 and
/// float4). The bits above the type's own do not count.
double narrow_value(DataType type, uint8_t code);

/// Elements of 4 or 2 bits as ONNX keeps them: the first in the lowest bits of the first byte. Of other types the bytes.
std::vector<std::byte> packed(const Tensor& tensor);

/// Bytes that `packed` gives for so many elements.
int64_t packed_bytes(DataType type, int64_t elements);

/// The inverse of `packed`. `bytes` has packed_bytes.
Tensor unpacked(DataType type, Dims dims, std::span<const std::byte> bytes);

/// Zeroes the bits above the type's own, which other tools fill with the sign.
void clear_unused_bits(Tensor& tensor);

}  // namespace calotype
