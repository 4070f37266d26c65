#pragma once

#include <map>
#include <string>

#include "base/tensor.hpp"

namespace calotype::snapshot {

/// Tensors of types that safetensors has: a narrow one `key` is `<its type>/<key>`, the codes as U8; one of strings is
/// `string/<key>`, U8 of all their bytes, and `ends/<key>`, I64 of its dims: where each string ends in those.
std::map<std::string, Tensor> in_stored_types(const std::map<std::string, Tensor>& tensors);

/// The inverse. `file` names it in Error SNAPSHOT_DAMAGED.
std::map<std::string, Tensor> from_stored_types(std::map<std::string, Tensor> stored, const std::string& file);

}  // namespace calotype::snapshot
