#pragma once

#include <cstddef>
#include <string_view>

namespace calotype {

/// How many leading bytes of `text` are whole UTF-8 characters: its size where all of it is (Unicode 15, table 3-7).
size_t utf8_prefix(std::string_view text);

}  // namespace calotype
