#pragma once

#include <map>
#include <string>

#include "snapshot/snapshot.hpp"

namespace calotype::snapshot {

/// golden.safetensors as named tensors: `input/<name>`, `<k>/output/<value>`, `<k>/layer_sha256` [layers, 32] bytes.
std::map<std::string, Tensor> to_tensors(const Golden& golden);

/// The inverse, for `subgraphs` subgraphs. Throws Error SNAPSHOT_DAMAGED.
Golden golden_from_tensors(const std::map<std::string, Tensor>& tensors, size_t subgraphs);

}  // namespace calotype::snapshot
