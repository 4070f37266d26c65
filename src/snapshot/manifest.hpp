#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "snapshot/damaged.hpp"
#include "snapshot/snapshot.hpp"

namespace calotype::snapshot {

struct SubgraphEntry {
    std::string name;  ///< "NPU_0"
    std::vector<std::string> inputs, outputs;
};
/// What a file of the snapshot must be: its size is compared before a byte of it is read.
struct FileEntry {
    int64_t bytes = 0;
    std::string sha256;
    friend bool operator==(const FileEntry&, const FileEntry&) = default;
};
/// manifest.json: everything a reader needs to know before it opens another file.
struct Manifest {
    int64_t format_version = kFormatVersion;
    std::string tool_version;
    NpuIdentity npu;
    std::string model_sha256, samples_sha256, options_sha256;
    std::map<std::string, std::string> preprocessing;
    int64_t batch = 1;
    std::string one_size;
    int64_t size_step = 1;
    std::string off_step;
    std::vector<execute::Port> inputs, outputs;
    std::vector<SubgraphEntry> subgraphs;
    std::map<std::string, FileEntry> files;  ///< by name
};

/// Canonical text: sorted fields, and last the SHA-256 of the rest without white space.
std::string to_text(const Manifest& manifest);
/// The same of fields as they are given.
std::string with_checksum(const nlohmann::json& fields);

/// Refuses any text that is not byte for byte what to_text gives. Throws Error SNAPSHOT_DAMAGED, SNAPSHOT_VERSION.
Manifest manifest_from_text(const std::string& text);

}  // namespace calotype::snapshot
