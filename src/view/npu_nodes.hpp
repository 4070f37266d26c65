#pragma once

#include <map>
#include <string>

#include "view/builder.hpp"
#include "view/view.hpp"

namespace calotype::view {

/// Values of the whole network by name: what one part makes and another reads.
using Known = std::map<std::string, ValueId>;

/// One NPU subgraph as nodes: its tensors as codes and as reals.
void add_npu(const Builder& builder, const NpuPart& part, Known& known, const Deadline& deadline);

}  // namespace calotype::view
