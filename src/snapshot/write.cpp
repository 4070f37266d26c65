#include <algorithm>
#include <iterator>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/json.hpp"
#include "base/replace.hpp"
#include "snapshot/damaged.hpp"
#include "snapshot/files.hpp"
#include "snapshot/golden_codec.hpp"
#include "snapshot/manifest.hpp"
#include "snapshot/network_codec.hpp"
#include "snapshot/program_codec.hpp"
#include "snapshot/safetensors.hpp"
#include "snapshot/snapshot.hpp"
#include "snapshot/stored_types.hpp"

namespace calotype::snapshot {
namespace {

std::vector<std::byte> as_bytes(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

size_t count_values(const Json& json) {
    size_t count = 1;
    if (json.is_structured())
        for (const Json& inner : json) count += count_values(inner);
    return count;
}

std::vector<std::byte> as_json(const Json& json, const std::string& name) {
    require_readable(fmt::format("`{}`", name), count_values(json), kMostJsonValues, "values");
    std::string text = json.dump(1) + "\n";
    require_readable(fmt::format("`{}`", name), text.size(), kMostJsonBytes);
    return as_bytes(text);
}

/// Every file but the manifest, by name. Nothing here depends on time, place or number of threads.
std::map<std::string, std::vector<std::byte>> files_of(const Contents& contents) {
    std::map<std::string, std::vector<std::byte>> files;
    Json networks = Json::object();
    Blobs weights;
    std::vector<npu::Program> programs;
    for (size_t k = 0; k < contents.model.subgraphs.size(); ++k) {
        const execute::Subgraph& subgraph = contents.model.subgraphs[k];
        const std::string name = execute::name_of(subgraph, k);
        if (const auto* npu = std::get_if<execute::NpuSubgraph>(&subgraph)) {
            networks[name] = network_to_json(npu->network, name, weights);
            programs.push_back(npu->program);
            std::ranges::copy(npu->more_programs, std::back_inserter(programs));
        } else {
            files[cpu_file(name)] = as_bytes(std::get<execute::CpuSubgraph>(subgraph).onnx_bytes);
        }
    }
    files[kLayersFile] = as_json(networks, kLayersFile);
    files[kWeightsFile] = to_safetensors(weights);
    files[kProgramFile] = to_program_bytes(programs);
    const Json report = Json::parse(contents.report_json.empty() ? "{}" : contents.report_json);
    files[kReportFile] = as_json(report, kReportFile);
    files[kIrizFile] = as_bytes(contents.iriz_onnx);
    if (contents.golden) files[kGoldenFile] = to_safetensors(in_stored_types(to_tensors(*contents.golden)));
    return files;
}

Manifest manifest_of(const Contents& contents, const std::map<std::string, std::vector<std::byte>>& files) {
    Manifest manifest;
    manifest.tool_version = contents.tool_version;
    manifest.npu = contents.npu;
    manifest.model_sha256 = contents.model_sha256;
    manifest.samples_sha256 = contents.samples_sha256;
    manifest.options_sha256 = contents.options_sha256;
    manifest.preprocessing = contents.preprocessing;
    manifest.batch = contents.model.batch;
    manifest.one_size = contents.model.one_size;
    manifest.size_step = contents.model.size_step;
    manifest.off_step = contents.model.off_step;
    manifest.inputs = contents.model.inputs;
    manifest.outputs = contents.model.outputs;
    for (size_t k = 0; k < contents.model.subgraphs.size(); ++k) {
        const execute::Subgraph& subgraph = contents.model.subgraphs[k];
        manifest.subgraphs.push_back(
            {execute::name_of(subgraph, k), execute::inputs_of(subgraph), execute::outputs_of(subgraph)});
    }
    for (const auto& [name, bytes] : files)
        manifest.files.emplace(name, FileEntry{static_cast<int64_t>(bytes.size()), sha256(bytes)});
    return manifest;
}

bool is_snapshot_file(const std::filesystem::directory_entry& entry) {
    const std::string name = entry.path().filename().string();
    const bool known = name == kManifestFile || name == kLayersFile || name == kWeightsFile || name == kProgramFile ||
                       name == kReportFile || name == kIrizFile || name == kGoldenFile ||
                       (name.starts_with("wrp_network_CPU_") && name.ends_with(".onnx"));
    return known && entry.is_regular_file() && !entry.is_symlink();
}

}  // namespace

void check_target(const std::filesystem::path& path) {
    check_directory_can_be_made(path);
    check_replaceable(path, is_snapshot_file, "part of a snapshot",
                      "give a path of its own for the snapshot, or remove what is there");
}

void write(const std::filesystem::path& path, const Contents& contents) {
    check_target(path);
    const auto files = files_of(contents);
    const std::string manifest = to_text(manifest_of(contents, files));
    require_readable("`manifest.json`", manifest.size(), kMostManifestBytes);
    StagedDirectory staged(path);
    for (const auto& [name, bytes] : files) write_file(staged.path() / name, bytes);
    write_file(staged.path() / kManifestFile, manifest);
    staged.commit();
}

}  // namespace calotype::snapshot
