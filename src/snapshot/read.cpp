#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/limits.hpp"
#include "base/replace.hpp"
#include "snapshot/check_network.hpp"
#include "snapshot/files.hpp"
#include "snapshot/golden_codec.hpp"
#include "snapshot/json_object.hpp"
#include "snapshot/manifest.hpp"
#include "snapshot/network_codec.hpp"
#include "snapshot/program_codec.hpp"
#include "snapshot/safetensors.hpp"
#include "snapshot/snapshot.hpp"
#include "snapshot/stored_types.hpp"

namespace calotype::snapshot {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::byte>;

std::string as_text(const Bytes& bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// Of a file of the snapshot itself: a link could lead out of the directory.
int64_t own_file_bytes(const fs::path& path) {
    std::error_code error;
    const fs::file_status status = fs::symlink_status(path, error);
    require(status.type() != fs::file_type::not_found, fmt::format("`{}`", path.string()), "the file is missing");
    require(status.type() == fs::file_type::regular, fmt::format("`{}`", path.string()), "it is not a regular file");
    return static_cast<int64_t>(fs::file_size(path, error));
}

/// Nor a link, nor larger, if it has become so since.
Bytes read_own_file(const fs::path& path, int64_t limit_bytes) { return read_file(path, limit_bytes, Links::refused); }

Manifest read_manifest(const fs::path& path) {
    recover_directory(path);
    std::error_code error;
    if (!fs::exists(path / kManifestFile, error)) {
        throw Error({"SNAPSHOT_MISSING", fmt::format("`{}`", path.string()),
                     "it is no snapshot: it holds no `manifest.json`",
                     "give the directory that `calotype compile -o` wrote"});
    }
    own_file_bytes(path / kManifestFile);
    return manifest_from_text(as_text(read_own_file(path / kManifestFile, kMostManifestBytes)));
}

constexpr int64_t kBesideTensors = int64_t{512} << 20;  // what --max-memory bounds are a run's tensors

/// Files of the size of the memory are no network's: nothing of them is read.
void check_sizes(const Manifest& manifest, const Limits& limits) {
    const int64_t allowed_bytes = allowed_memory_bytes(limits) + kBesideTensors;
    int64_t left_bytes = allowed_bytes;
    for (const auto& [name, file] : manifest.files) {
        require(file.bytes >= 0, "`manifest.json`", fmt::format("the size of `{}` is {}", name, file.bytes));
        if (file.bytes > left_bytes)
            throw Error({"LIMIT_MEMORY", fmt::format("`{}` of the snapshot", name),
                         fmt::format("it has {} bytes, all files together may have {}", file.bytes, allowed_bytes),
                         "if it is meant so, `run`, `verify` and `bench` take --max-memory"});
        left_bytes -= file.bytes;
    }
}

/// The directory's files, each handed out once and only with the size and checksum that the manifest states.
class Files {
  public:
    Files(const fs::path& directory, const Manifest& manifest)
        : directory_(directory), expected_(manifest.files), listed_(manifest.files) {}
    bool has(const std::string& name) const { return expected_.contains(name); }
    Bytes take(const std::string& name) {
        const auto entry = expected_.find(name);
        require(entry != expected_.end(), "`manifest.json`", fmt::format("it does not list `{}`", name));
        const fs::path path = directory_ / name;
        const std::string subject = fmt::format("`{}`", path.string());
        const int64_t there_bytes = own_file_bytes(path);
        require(there_bytes == entry->second.bytes, subject,
                fmt::format("it has {} bytes, `manifest.json` states {}", there_bytes, entry->second.bytes));
        Bytes bytes = read_own_file(path, entry->second.bytes);
        require(sha256(bytes) == entry->second.sha256, subject, "its SHA-256 is not the one in `manifest.json`");
        expected_.erase(entry);
        return bytes;
    }
    void finish() const {
        if (!expected_.empty())
            damaged("`manifest.json`",
                    fmt::format("it lists `{}`, which belongs to nothing", expected_.begin()->first));
        std::error_code error;
        for (const auto& entry : fs::directory_iterator(directory_, error)) {
            const std::string name = entry.path().filename().string();
            if (name == kManifestFile || listed_.contains(name)) continue;
            throw Error({"SNAPSHOT_DAMAGED", fmt::format("`{}`", entry.path().string()),
                         "it is no part of the snapshot: `manifest.json` does not list it",
                         "move it out of the directory, which holds nothing but what `calotype compile` wrote"});
        }
    }

  private:
    fs::path directory_;
    std::map<std::string, FileEntry> expected_;  ///< by name; what was not yet taken
    std::map<std::string, FileEntry> listed_;
};

void check_identity(const Manifest& manifest, const NpuIdentity& present) {
    for (const SubgraphEntry& entry : manifest.subgraphs) {
        if (!entry.name.starts_with("NPU_") || manifest.npu == present) continue;
        throw Error({"CONFIG_SNAPSHOT_MISMATCH", "the snapshot",
                     fmt::format("it was made for `{}` (fingerprint {}), present is `{}` (fingerprint {})",
                                 manifest.npu.name, manifest.npu.fingerprint, present.name, present.fingerprint),
                     "compile the model for the configuration present, or name the snapshot's with `--npu`"});
    }
}

/// Subgraph `k` as the manifest names it: "NPU_k" or "CPU_k".
bool is_npu(const SubgraphEntry& entry, size_t k) {
    if (entry.name == fmt::format("NPU_{}", k)) return true;
    require(entry.name == fmt::format("CPU_{}", k), "`manifest.json`",
            fmt::format("subgraph {} has the name `{}`", k, entry.name));
    return false;
}

/// `programs`: of the first sample's size, then of the further ones.
execute::NpuSubgraph read_npu(const SubgraphEntry& entry, const Json& networks, Blobs& weights,
                              std::span<npu::Program> programs) {
    require(networks.contains(entry.name), "`layers.json`", fmt::format("`{}` is missing", entry.name));
    execute::NpuSubgraph subgraph{network_from_json(networks[entry.name], entry.name, weights), {}, {}};
    check_network(subgraph.network, fmt::format("`layers.json`: `{}`", entry.name));
    for (const npu::Program& program : programs)
        check_program(subgraph.network, program, fmt::format("`program.bin`: `{}`", entry.name));
    subgraph.program = std::move(programs.front());
    std::ranges::move(programs.subspan(1), std::back_inserter(subgraph.more_programs));
    return subgraph;
}

std::vector<execute::Subgraph> read_subgraphs(const Manifest& manifest, Files& files) {
    const Json networks = object_of(as_text(files.take(kLayersFile)), "`layers.json`");
    Blobs weights = from_safetensors(files.take(kWeightsFile), "`weights.safetensors`");
    std::vector<npu::Program> programs = from_program_bytes(files.take(kProgramFile));
    std::vector<execute::Subgraph> subgraphs;
    size_t npu_count = 0;
    const size_t sizes = 1 + (manifest.inputs.empty() ? 0 : manifest.inputs[0].also_for.size());
    for (size_t k = 0; k < manifest.subgraphs.size(); ++k) {
        const SubgraphEntry& entry = manifest.subgraphs[k];
        if (is_npu(entry, k)) {
            require((npu_count + 1) * sizes <= programs.size(), "`program.bin`",
                    "it holds fewer programs than there are networks and sizes");
            subgraphs.push_back(
                read_npu(entry, networks, weights, std::span(programs).subspan(npu_count++ * sizes, sizes)));
        } else {
            subgraphs.push_back(
                execute::CpuSubgraph{as_text(files.take(cpu_file(entry.name))), entry.inputs, entry.outputs});
        }
        require(execute::inputs_of(subgraphs[k]) == entry.inputs && execute::outputs_of(subgraphs[k]) == entry.outputs,
                "`manifest.json`", fmt::format("`{}` has other inputs or outputs than its network", entry.name));
    }
    require(npu_count * sizes == programs.size() && npu_count == networks.size(), "`layers.json`",
            "it holds networks of no subgraph");
    require(weights.empty(), "`weights.safetensors`", "it holds tensors of no layer");
    return subgraphs;
}

/// Of the last line.
std::string without_end(std::string text) {
    if (text.ends_with('\n')) text.pop_back();
    return text;
}

Contents read_files(const fs::path& path, const Manifest& manifest, const std::optional<NpuIdentity>& present,
                    const Limits& limits) {
    if (present) check_identity(manifest, *present);
    check_sizes(manifest, limits);
    Contents contents{manifest.tool_version,
                      manifest.npu,
                      manifest.model_sha256,
                      manifest.samples_sha256,
                      manifest.options_sha256,
                      manifest.preprocessing,
                      {},
                      {},
                      {},
                      {}};
    Files files(path, manifest);
    contents.model = {manifest.inputs,   manifest.outputs,   manifest.batch,   read_subgraphs(manifest, files),
                      manifest.one_size, manifest.size_step, manifest.off_step};
    check_flow(contents.model);
    contents.report_json = without_end(as_text(files.take(kReportFile)));
    contents.iriz_onnx = as_text(files.take(kIrizFile));
    if (files.has(kGoldenFile)) {
        const std::string file = "`golden.safetensors`";
        contents.golden = golden_from_tensors(from_stored_types(from_safetensors(files.take(kGoldenFile), file), file),
                                              contents.model.subgraphs.size());
    }
    files.finish();
    return contents;
}

constexpr int kMostReplacements = 10;

}  // namespace

NpuIdentity identity(const fs::path& path) { return read_manifest(path).npu; }

Contents read(const fs::path& path, const std::optional<NpuIdentity>& present, const Limits& limits) {
    Manifest manifest = read_manifest(path);
    for (int replaced = 0;; ++replaced) {
        try {
            return read_files(path, manifest, present, limits);
        } catch (const Error&) {
            // A snapshot that takes this one's place meanwhile looks like damage; then that one is read.
            Manifest now = read_manifest(path);
            if (now.files == manifest.files || replaced == kMostReplacements) throw;
            manifest = std::move(now);
        }
    }
}

}  // namespace calotype::snapshot
