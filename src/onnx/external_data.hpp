#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "onnx/read_parts.hpp"

namespace calotype::onnx {

/// `needed_bytes` of a tensor whose content lies in another file. `entries` is TensorProto.external_data: location,
/// offset, length. The file must lie in the origin's folder: no absolute path, no `..`, no link out of it. Throws Error
/// ONNX_TENSOR with `subject`, LIMIT_MEMORY where all that is read would leave the memory allowed.
std::vector<std::byte> read_external_data(const std::map<std::string, std::string>& entries, const Origin& origin,
                                          int64_t needed_bytes, const std::string& subject);

}  // namespace calotype::onnx
