#pragma once

#include <span>
#include <vector>

#include "npu/program.hpp"

namespace calotype::snapshot {

/// program.bin: the programs of all NPU subgraphs, of each those of all sizes one after the other; every number explicit little-endian.
std::vector<std::byte> to_program_bytes(std::span<const npu::Program> programs);

/// The inverse; form only, check_program says whether it fits a network. Throws Error SNAPSHOT_DAMAGED.
std::vector<npu::Program> from_program_bytes(std::span<const std::byte> bytes);

}  // namespace calotype::snapshot
