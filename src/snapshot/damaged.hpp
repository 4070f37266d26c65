#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace calotype::snapshot {

inline constexpr int64_t kFormatVersion = 4;

/// `where` is a file of the snapshot, with the place in it.
[[noreturn]] inline void damaged(std::string where, std::string fact) {
    throw Error({"SNAPSHOT_DAMAGED", std::move(where), std::move(fact), "copy the snapshot again, or compile it anew"});
}

/// The reader's one question: `good`, or the file is refused.
inline void require(bool good, std::string_view where, std::string_view fact) {
    if (!good) damaged(std::string(where), std::string(fact));
}

/// The writer's: what no reader would take is not written.
inline void require_readable(std::string_view what, size_t size, int64_t most, std::string_view unit = "bytes") {
    if (size <= static_cast<size_t>(most)) return;
    throw Error({"LIMIT_SNAPSHOT", std::string(what),
                 fmt::format("it has {} {}, at most {} are read", size, unit, most),
                 "the model has too many inputs, outputs or layers for one snapshot: split it"});
}

}  // namespace calotype::snapshot
