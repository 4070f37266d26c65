#include "calotype/kind.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"

namespace calotype {

std::string_view name_of(Kind kind) {
    switch (kind) {
        case Kind::tensor: return "tensor";
        case Kind::sequence: return "sequence";
        case Kind::optional_tensor: return "optional tensor";
        case Kind::optional_sequence: return "optional sequence";
    }
    CALOTYPE_ASSERT(false, "a kind has a name");
}

std::string spelled(Kind kind, std::string_view type) {
    switch (kind) {
        case Kind::tensor: return std::string(type);
        case Kind::sequence: return fmt::format("sequence({})", type);
        case Kind::optional_tensor: return fmt::format("optional({})", type);
        case Kind::optional_sequence: return fmt::format("optional(sequence({}))", type);
    }
    CALOTYPE_ASSERT(false, "a kind has a spelling");
}

std::string element_name(std::string_view sequence, int64_t index) { return fmt::format("{}[{}]", sequence, index); }

std::string empty_name(std::string_view sequence) { return fmt::format("{}[]", sequence); }

std::string sequence_name(std::string_view element) {
    const size_t open = element.rfind('[');
    if (open == std::string_view::npos || !element.ends_with(']')) return {};
    const std::string_view index = element.substr(open + 1, element.size() - open - 2);
    const bool digits = std::ranges::all_of(index, [](char c) { return c >= '0' && c <= '9'; });
    const bool padded = index.size() > 1 && index[0] == '0';  // "x[03]" is no element's
    return digits && !padded ? std::string(element.substr(0, open)) : std::string();
}

}  // namespace calotype
