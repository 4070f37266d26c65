#pragma once

// Options that several subcommands share.

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "calotype/port.hpp"
#include "calotype/runner.hpp"
#include "cli/command.hpp"
#include "samples/samples.hpp"

namespace calotype::cli {

/// Where samples or inputs come from, and how images become arrays.
struct SampleOptions {
    std::string mean, std, resize, layout, channels;
};
void add_sample_options(CLI::App& command, SampleOptions& options);

/// Opens `path` for a model with these inputs. What the options leave open is taken from `recorded`, a snapshot's
/// preprocessing. `may_be_empty`: an array without samples is one to run. Throws Error OPTION_VALUE for a malformed option.
samples::Source open_samples(const std::filesystem::path& path, const std::vector<PortInfo>& inputs,
                             const SampleOptions& options, const std::map<std::string, std::string>& recorded = {},
                             bool may_be_empty = false);

/// What was left out of them, on stderr.
void print_notes(const samples::Source& source);

/// By name, those given.
using LimitOptions = std::map<std::string, int64_t>;
enum class LimitsOf { models, runs };  // all, or those that bind the run of a snapshot
void add_limit_options(CLI::App& command, LimitOptions& options, LimitsOf of);

struct RunOptions {
    int threads = 0;
    std::string kernels = "auto";
    std::string npu;
    std::string ort_library;
    LimitOptions limits;
};
void add_run_options(CLI::App& command, RunOptions& options, LimitsOf of);
void add_kernel_option(CLI::App& command, RunOptions& options);
/// Its limits bind the process from here on.
RunnerOptions runner_options(const RunOptions& options, const std::string& snapshot);

std::optional<std::filesystem::path> optional_path(const std::string& text);

/// "name=1x3x224x224". Throws Error OPTION_VALUE.
std::pair<std::string, Dims> parse_shape(const std::string& text);

}  // namespace calotype::cli
