#pragma once

// NumPy's strings: as many characters each, four bytes a character, NUL behind the last one.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace calotype::samples {

inline constexpr int64_t kCharacterBytes = 4;
inline constexpr int64_t kMostCharacters = int64_t{1} << 28;

/// UTF-8 without the NULs at the end; nothing where a character is none of Unicode's.
std::optional<std::string> utf8_of(std::span<const std::byte> stored);

/// Characters of the longest, at least 1. Throws Error NPY_STRINGS where one ends in NUL, which a reader would drop, or
/// where all at that width would have more than 4 GiB.
int64_t widest(std::span<const std::string> strings);

/// All of them at the width of the widest.
void append_strings(std::string& out, std::span<const std::string> strings);

}  // namespace calotype::samples
