#pragma once

#include <vector>

#include "execute/model.hpp"

namespace calotype::runtime {

std::vector<PortInfo> port_infos(const std::vector<execute::Port>& ports);

/// What stands in for golden inputs cannot stand in for a sequence. Throws Error SNAPSHOT_NO_GOLDEN where there is one.
void require_known_inputs(const execute::Model& model);

}  // namespace calotype::runtime
