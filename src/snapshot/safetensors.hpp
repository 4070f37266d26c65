#pragma once

// The safetensors format: u64 little-endian header length, JSON header {name: {dtype, shape, data_offsets}}, the data.

#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/tensor.hpp"

namespace calotype::snapshot {

/// Tensors in order of name, data without holes; the header is padded with spaces to a multiple of 8 bytes.
std::vector<std::byte> to_safetensors(const std::map<std::string, Tensor>& tensors);

/// The inverse; refuses overlaps, holes, unknown types, sizes that disagree. `file` names it in Error SNAPSHOT_DAMAGED.
std::map<std::string, Tensor> from_safetensors(std::span<const std::byte> bytes, const std::string& file);

}  // namespace calotype::snapshot
