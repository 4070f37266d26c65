#pragma once

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

}  // namespace calotype::snapshot
