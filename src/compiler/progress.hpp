#pragma once

#include <cstddef>

#include "calotype/compile.hpp"
#include "partition/partition.hpp"

namespace calotype::compiler {

/// Where the stage "quantize" is: subgraph `k` to the share `done`, `layers` of its own finished.
CompileProgress quantizing(const partition::Plan& plan, size_t k, double done, size_t layers);

}  // namespace calotype::compiler
