#pragma once

#include <filesystem>

#include "calotype/runner.hpp"
#include "npu/config.hpp"
#include "snapshot/snapshot.hpp"

namespace calotype::runtime {

/// Reads and checks a snapshot against the configuration present: `npu` by name or file, or where it is empty the one
/// this tool knows under the snapshot's name. A file's configuration must be given again with `npu`.
snapshot::Contents load(const std::filesystem::path& path, const std::string& npu, const Limits& limits);

/// The same, with that configuration.
struct Loaded {
    snapshot::Contents contents;
    npu::Config config;
};
Loaded load_with_config(const std::filesystem::path& path, const std::string& npu, const Limits& limits);

/// `threads`, or the number of processors where it is 0. Throws Error OPTION_VALUE for a negative or absurd number.
int thread_count(int threads);

}  // namespace calotype::runtime
