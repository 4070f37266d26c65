#pragma once

#include "compiler/front.hpp"

namespace calotype::compiler {

/// Where a map is enlarged to the size of another one that it meets (a feature pyramid's), that takes whole factors at
/// one size and repeats and crops at another (23 rows become 45): in both it is one Upsample as large as that map,
/// then.
void follow_resized_maps(Front& a, Front& b);

}  // namespace calotype::compiler
