#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace calotype {

inline constexpr int kDeepestJson = 64;                     ///< objects and arrays inside one another
inline constexpr size_t kMostJsonValues = size_t{1} << 21;  ///< numbers, texts, objects, arrays: some 100 bytes each
inline constexpr size_t kMostJsonKeys = size_t{1} << 17;    ///< of one object
inline constexpr size_t kMostJsonBytes = size_t{48} << 20;
inline constexpr size_t kLongestJsonText = size_t{1} << 20;  ///< bytes of one text or number

struct ParsedJson {
    nlohmann::json json;
    std::string fault;  ///< why the text is none: what follows its subject in a sentence; "" where it is
};

/// Text of unknown origin as JSON. Refused is what is malformed, holds more than the above (working on it recurses, and
/// takes memory by the value), or says one key twice: of two values a reader would silently take one.
ParsedJson parse_json(std::string_view text);

}  // namespace calotype
