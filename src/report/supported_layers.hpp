#pragma once

#include <string>

namespace calotype::report {

/// docs/supported-layers.md: the layer-support table of every built-in configuration, from the records of
/// npu/limits.hpp.
std::string supported_layers_markdown();

}  // namespace calotype::report
