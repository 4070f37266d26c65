#pragma once

// The directory on disk: written whole or not at all, read with every checksum and bound checked before use.

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "calotype/limits.hpp"
#include "execute/model.hpp"

namespace calotype::snapshot {

/// Name and content hash of an NPU configuration.
struct NpuIdentity {
    std::string name;
    std::string fingerprint;
    friend bool operator==(const NpuIdentity&, const NpuIdentity&) = default;
};

/// What one run gave at compile time: a device proves itself with it.
struct GoldenSubgraph {
    std::map<std::string, Tensor> outputs;  ///< value -> int8 codes in tensor order [batch, elements]; CPU: its tensors
    std::vector<std::string> layer_sha256;  ///< NPU: of each layer's codes, all samples of the run
    friend bool operator==(const GoldenSubgraph&, const GoldenSubgraph&) = default;
};
struct Golden {
    std::map<std::string, Tensor> inputs;
    std::vector<GoldenSubgraph> subgraphs;
    friend bool operator==(const Golden&, const Golden&) = default;
};

/// Everything a snapshot holds.
struct Contents {
    std::string tool_version;
    NpuIdentity npu;
    std::string model_sha256, samples_sha256, options_sha256;
    std::map<std::string, std::string> preprocessing;
    execute::Model model;
    std::optional<Golden> golden;
    std::string report_json;  ///< an object; written in canonical form, read as it stands in the file
    std::string iriz_onnx;    ///< wrp_network_iriz.onnx
    friend bool operator==(const Contents&, const Contents&) = default;
};

/// Throws Error OUTPUT_TAKEN where `path` is there and is neither an empty directory nor a snapshot with nothing else in
/// it: writing replaces it whole.
void check_target(const std::filesystem::path& path);

/// Writes `contents` as the directory `path`, in one step. Throws Error FILE_UNWRITABLE, and as check_target.
void write(const std::filesystem::path& path, const Contents& contents);

/// A second one of the snapshot `from`, as `write` writes. Throws Error FILE_*, OUTPUT_TAKEN.
void copy(const std::filesystem::path& from, const std::filesystem::path& to);

/// Reads and checks all of it. Throws Error SNAPSHOT_MISSING, SNAPSHOT_DAMAGED, SNAPSHOT_VERSION, and, where `present`
/// is given and the snapshot has an NPU subgraph for another configuration, CONFIG_SNAPSHOT_MISMATCH with both.
/// Where another snapshot takes its place meanwhile, that one is read.
/// Throws LIMIT_MEMORY where the files together have more bytes than the memory allowed and 512 MiB, before one is read.
Contents read(const std::filesystem::path& path, const std::optional<NpuIdentity>& present = {},
              const Limits& limits = {});

/// The configuration that a snapshot's manifest states; checks the manifest's own checksum.
NpuIdentity identity(const std::filesystem::path& path);

}  // namespace calotype::snapshot
