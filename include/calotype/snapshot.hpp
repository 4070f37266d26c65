#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "calotype/runner.hpp"

namespace calotype {

/// What a snapshot says about its inputs and outputs, without preparing it to run.
struct SnapshotPorts {
    std::vector<PortInfo> inputs, outputs;
    std::map<std::string, std::string> preprocessing;  ///< how image files became samples; empty where they were arrays
};
SnapshotPorts ports(const std::filesystem::path& snapshot);

/// What a snapshot holds (layers, shapes, types, scales, sizes, predicted latency) as JSON text. Every checksum is
/// checked.
std::string inspect(const std::filesystem::path& snapshot);

struct Check {
    std::string name;  ///< "checksums", "golden", "kernels avx2", ...
    bool passed = false;
    std::string detail;  ///< numbers; where it failed, the first difference
};

/// A snapshot's proof of itself: checksums, golden vectors, and each kernel set that the machine has against the
/// reference, bit for bit, on the golden input. A snapshot without golden vectors is run on an input made from a fixed
/// seed.
std::vector<Check> verify(const std::filesystem::path& snapshot, const RunnerOptions& options = {});

/// Every layer's output codes for one or more samples: "NPU_<k>/<tensor id>" -> int8 [samples, shape per sample],
/// channels last. For comparing with other implementations. The samples are of one size, any that the snapshot serves. Throws as Runner does.
std::map<std::string, Tensor> layer_codes(const std::filesystem::path& snapshot,
                                          const std::map<std::string, TensorView>& inputs,
                                          const RunnerOptions& options = {});

/// A part of a run: an NPU layer, a boundary conversion, a CPU subgraph, or the rest (copies, joining of results).
struct PartTime {
    std::string name;
    std::string kind;
    double mean_ms = 0, best_ms = 0;  ///< the means of all parts add up to the whole's
    int64_t macs = 0;
};
struct BenchResult {
    double best_ms = 0, median_ms = 0, mean_ms = 0;  ///< measured: the emulator on this machine
    double predicted_ms = 0;                         ///< on the device, by its configuration; 0 where unknown
    int64_t rounds = 0;
    std::string isa;              ///< of the machine and of the kernels in use
    std::vector<PartTime> parts;  ///< empty unless asked for
};
/// Runs one sample `rounds` times after a warm-up.
BenchResult bench(const std::filesystem::path& snapshot, int64_t rounds, bool parts, const RunnerOptions& options = {});

}  // namespace calotype
