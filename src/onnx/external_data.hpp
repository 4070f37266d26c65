#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace calotype::onnx {

/// `needed_bytes` of a tensor whose content lies in another file. `entries` is TensorProto.external_data: location,
/// offset, length. The file must lie in `folder`: no absolute path, no `..`, no link out of it. Throws Error
/// ONNX_TENSOR with `subject`.
std::vector<std::byte> read_external_data(const std::map<std::string, std::string>& entries,
                                          const std::filesystem::path& folder, int64_t needed_bytes,
                                          const std::string& subject);

}  // namespace calotype::onnx
