#pragma once

#include <filesystem>

#include "cli/command.hpp"

namespace calotype::cli {

/// What a snapshot holds in a few lines: subgraphs, shares, predicted latency, sizes.
void print_summary(const std::filesystem::path& snapshot);

/// The report's layers by signal-to-noise ratio, worst first; nothing where the report holds none.
void print_layer_errors(const Json& report, size_t most);

}  // namespace calotype::cli
