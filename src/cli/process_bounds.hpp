#pragma once

#include <string>

#include "calotype/limits.hpp"
#include "cli/options.hpp"

namespace calotype::cli {

/// The limits given, which from here on bind the whole process: its memory ends a little above --max-memory, and where
/// ONNX Runtime does not come back within --max-seconds (a node cannot be interrupted, nor the making of a session) it
/// ends with an error, and where a model makes ONNX Runtime itself crash, with one as well. `path`: the model or snapshot at work. Throws Error OPTION_UNKNOWN, OPTION_VALUE.
Limits bound_process(const LimitOptions& given, const std::string& path);

}  // namespace calotype::cli
