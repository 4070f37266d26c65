#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "calotype/limits.hpp"

namespace calotype {

/// A limit as options, messages and docs/hostile.md name it.
struct LimitRecord {
    std::string_view name;  ///< "memory": `--max-memory`, limits={"memory": ...}
    int64_t Limits::* member;
    int64_t least, most;    ///< allowed values
    bool of_runs;           ///< binds the run of a snapshot too; the others bind what a model's file may ask for
    std::string_view what;  ///< what it bounds, with its unit
};
std::span<const LimitRecord> limit_records();

/// "raise it with --max-nesting"
std::string how_to_raise(int64_t Limits::* member);

/// Limits of the names given, defaults for the rest. Throws Error OPTION_UNKNOWN, OPTION_VALUE.
Limits limits_of(const std::map<std::string, int64_t>& given);
/// As limits_of, and Error OPTION_UNUSED for one that does not bind the run of a snapshot.
Limits run_limits_of(const std::map<std::string, int64_t>& given);

/// memory_bytes, or half the machine's memory where it is 0.
int64_t allowed_memory_bytes(const Limits& limits);

}  // namespace calotype
