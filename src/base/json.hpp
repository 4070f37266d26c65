#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace calotype {

/// Text of unknown origin as JSON: "discarded" where it is malformed or nested so deep that working on it, which
/// recurses, could exhaust the stack.
nlohmann::json parse_json(std::string_view text);

}  // namespace calotype
