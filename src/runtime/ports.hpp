#pragma once

#include <vector>

#include "execute/model.hpp"

namespace calotype::runtime {

std::vector<PortInfo> port_infos(const std::vector<execute::Port>& ports);

}  // namespace calotype::runtime
