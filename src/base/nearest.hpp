#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace calotype {

/// Up to `count` of the candidates, those with the fewest letters to change first: for messages about a misspelt name.
std::vector<std::string> nearest(std::string_view name, std::vector<std::string> candidates, size_t count = 3);

}  // namespace calotype
