#pragma once

#include <nlohmann/json.hpp>

#include "calotype/compile.hpp"

namespace calotype::compiler {

/// Throws Error OPTION_NOT_BUILT for what is not built yet, OPTION_VALUE, SAMPLE_NONE.
void check_options(const CompileOptions& options, const Samples& samples);

/// Samples used: what was asked for, or all where there are fewer, which is said.
int64_t sample_count(const CompileOptions& options, const Samples& samples,
                     const std::function<void(std::string_view)>& warn);

/// Options that change what is computed, in canonical form: the snapshot's hash of them, and report.json's `options`.
nlohmann::json canonical(const CompileOptions& options);

/// Names of the rewrites that a snapshot's report.json states as disabled.
std::vector<std::string> disabled_rewrites_of(const std::string& report_json);

}  // namespace calotype::compiler
