#pragma once

#include <cstdint>

namespace calotype {

/// What this process may use of the machine's memory: all of it, or less where its control group (a container's) has a
/// limit.
int64_t machine_memory_bytes();

}  // namespace calotype
