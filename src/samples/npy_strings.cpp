#include "samples/npy_strings.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"

namespace calotype::samples {
namespace {

constexpr int64_t kMostBytes = int64_t{1} << 32;

bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) != 0x80; }

int64_t characters(const std::string& text) { return std::ranges::count_if(text, begins_character); }

void append_utf8(std::string& out, uint32_t character) {
    const auto put = [&](uint32_t bits) { out += static_cast<char>(bits); };
    if (character < 0x80) return put(character);
    if (character < 0x800) {
        put(0xc0 | character >> 6);
    } else {
        if (character < 0x10000) {
            put(0xe0 | character >> 12);
        } else {
            put(0xf0 | character >> 18);
            put(0x80 | (character >> 12 & 0x3f));
        }
        put(0x80 | (character >> 6 & 0x3f));
    }
    put(0x80 | (character & 0x3f));
}

/// The character that begins at `at`, which goes behind it. The text is UTF-8.
uint32_t next_character(const std::string& text, size_t& at) {
    const auto lead = static_cast<unsigned char>(text[at++]);
    uint32_t character = lead < 0x80 ? lead : lead < 0xe0 ? lead & 0x1f : lead < 0xf0 ? lead & 0x0f : lead & 0x07;
    while (at < text.size() && !begins_character(text[at]))
        character = character << 6 | (static_cast<unsigned char>(text[at++]) & 0x3f);
    return character;
}

void append_character(std::string& out, uint32_t character) {
    for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(character >> shift & 0xff);
}

}  // namespace

std::optional<std::string> utf8_of(std::span<const std::byte> stored) {
    std::string text;
    size_t used = 0;  // up to the last character that is no NUL
    for (size_t at = 0; at + 4 <= stored.size(); at += 4) {
        uint32_t character = 0;
        for (size_t i = 0; i < 4; ++i) character |= std::to_integer<uint32_t>(stored[at + i]) << (8 * i);
        if (character > 0x10ffff || (0xd800 <= character && character < 0xe000)) return std::nullopt;
        append_utf8(text, character);
        if (character != 0) used = text.size();
    }
    text.resize(used);
    return text;
}

int64_t widest(std::span<const std::string> strings) {
    int64_t width = 1;
    for (const std::string& one : strings) {
        width = std::max(width, characters(one));
        if (!one.empty() && one.back() == '\0')
            throw Error({"NPY_STRINGS", "a tensor of strings", "one ends in a NUL character, which an .npy cannot hold",
                         "take the output in Python, by calotype.Runner"});
    }
    if (width > kMostBytes / kCharacterBytes / std::max<int64_t>(std::ssize(strings), 1))
        throw Error({"NPY_STRINGS", "a tensor of strings",
                     fmt::format("in an .npy each of the {} takes the {} characters of the longest: more than 4 GiB",
                                 strings.size(), width),
                     "take the output in Python, by calotype.Runner"});
    return width;
}

void append_strings(std::string& out, std::span<const std::string> strings) {
    const int64_t width = widest(strings);
    for (const std::string& one : strings) {
        int64_t written = 0;
        for (size_t at = 0; at < one.size(); ++written) append_character(out, next_character(one, at));
        out.append(static_cast<size_t>((width - written) * kCharacterBytes), '\0');
    }
}

}  // namespace calotype::samples
