#pragma once

#include "calotype/compile.hpp"

namespace calotype::compiler {

/// Throws Error OPTION_NOT_BUILT for what is not built yet, OPTION_VALUE, SAMPLE_NONE.
void check_options(const CompileOptions& options, const Samples& samples);

/// Samples used: what was asked for, or all where there are fewer, which is said.
int64_t sample_count(const CompileOptions& options, const Samples& samples);

/// Options that change what is computed, in canonical form.
std::string canonical_text(const CompileOptions& options);

}  // namespace calotype::compiler
