#include "base/utf8.hpp"

#include <cstdint>

namespace calotype {
namespace {

/// Bytes of the character that starts with `lead`; 0 where none does.
size_t length_of(uint8_t lead) {
    if (lead < 0x80) return 1;
    if (lead >= 0xc2 && lead < 0xe0) return 2;
    if (lead >= 0xe0 && lead < 0xf0) return 3;
    if (lead >= 0xf0 && lead < 0xf5) return 4;
    return 0;
}

/// The second byte's bounds, which leave out overlong forms, surrogates and what lies above U+10FFFF.
bool second_fits(uint8_t lead, uint8_t second) {
    const uint8_t least = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const uint8_t most = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    return second >= least && second <= most;
}

}  // namespace

size_t utf8_prefix(std::string_view text) {
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
    size_t at = 0;
    while (at < text.size()) {
        const size_t length = length_of(byte(at));
        if (length == 0 || length > text.size() - at) return at;
        if (length > 1 && !second_fits(byte(at), byte(at + 1))) return at;
        for (size_t i = 2; i < length; ++i) {
            if ((byte(at + i) & 0xc0) != 0x80) return at;
        }
        at += length;
    }
    return at;
}

}  // namespace calotype
