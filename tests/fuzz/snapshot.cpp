// The files of a snapshot behind their checksums, which a forger sets right: each is read whole and found fit to run, or
// is one Error. The first byte says which file the rest is.

#include <algorithm>
#include <string>

#include "base/error.hpp"
#include "base/json.hpp"
#include "fuzz/mutate_json.hpp"
#include "snapshot/check_network.hpp"
#include "snapshot/golden_codec.hpp"
#include "snapshot/manifest.hpp"
#include "snapshot/network_codec.hpp"
#include "snapshot/program_codec.hpp"
#include "snapshot/safetensors.hpp"

namespace {

using namespace calotype;

/// layers.json's entry of one network, a zero byte, weights.safetensors.
void read_network(std::string_view text) {
    const size_t end = std::min(text.find('\0'), text.size());
    const auto weights = text.substr(std::min(end + 1, text.size()));
    const auto json = parse_json(text.substr(0, end)).json;
    if (!json.is_object()) return;
    snapshot::Blobs blobs;
    if (!weights.empty()) blobs = snapshot::from_safetensors(std::as_bytes(std::span(weights)), "weights");
    const npu::Network network = snapshot::network_from_json(json, "NPU_0", blobs);
    snapshot::check_network(network, "NPU_0");
    snapshot::Blobs written;
    const auto again = snapshot::network_to_json(network, "NPU_0", written);
    CALOTYPE_ASSERT(snapshot::network_from_json(again, "NPU_0", written) == network, "a written network is as it was");
}

/// Whatever its fields, with the checksum that they ask for.
void read_manifest(const std::string& text) {
    auto json = parse_json(text).json;
    if (!json.is_object()) return;
    json.erase("sha256");
    const snapshot::Manifest manifest = snapshot::manifest_from_text(snapshot::with_checksum(json));
    const std::string written = snapshot::to_text(manifest);
    CALOTYPE_ASSERT(snapshot::to_text(snapshot::manifest_from_text(written)) == written,
                    "a written manifest is read as it was");
    execute::Model model{manifest.inputs,   manifest.outputs,   manifest.batch,   {},
                         manifest.one_size, manifest.size_step, manifest.off_step};
    for (const snapshot::SubgraphEntry& entry : manifest.subgraphs)
        model.subgraphs.emplace_back(execute::CpuSubgraph{"", entry.inputs, entry.outputs});
    snapshot::check_flow(model);
}

void read_program(std::span<const std::byte> bytes) {
    for (const npu::Program& program : snapshot::from_program_bytes(bytes))
        snapshot::check_program(npu::Network{}, program, "NPU_0");
}

void read_golden(std::span<const std::byte> bytes) {
    snapshot::golden_from_tensors(snapshot::from_safetensors(bytes, "golden"), 1);
}

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* bytes, size_t size, size_t max_size, unsigned seed) {
    if (size == 0 || (bytes[0] != 'm' && bytes[0] != 'n')) return LLVMFuzzerMutate(bytes, size, max_size);
    return calotype::fuzz::mutate_json(bytes, size, max_size, 1, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    if (size == 0) return 0;
    const std::string_view rest(reinterpret_cast<const char*>(bytes) + 1, size - 1);
    try {
        switch (bytes[0]) {
            case 'm': read_manifest(std::string(rest)); break;
            case 'n': read_network(rest); break;
            case 'p': read_program(std::as_bytes(std::span(rest))); break;
            case 'g': read_golden(std::as_bytes(std::span(rest))); break;
            default: return -1;
        }
    } catch (const Error&) {
        return 0;
    }
    return 0;
}
