#include "base/error.hpp"

#include <fmt/format.h>

#include "base/utf8.hpp"

namespace calotype {
namespace {

constexpr size_t kMostBytes = 1200;  // of a subject or fact: a name may be a megabyte

/// One line that a terminal takes: names come from files and may hold anything.
std::string line(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, kMostBytes)) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        else
            out += c;
    }
    if (text.size() <= kMostBytes) return out;
    out.resize(utf8_prefix(out));  // not within a character
    return fmt::format("{}... ({} bytes)", out, text.size());
}

std::string print(const ErrorText& text) {
    std::string out = fmt::format("{}: {}: {}", text.code, line(text.subject), line(text.fact));
    if (!text.hint.empty()) out += fmt::format("\n  try: {}", line(text.hint));
    return out;
}

}  // namespace

Error::Error(ErrorText text) : std::runtime_error(print(text)), text_(std::move(text)) {}

void assertion_failed(std::string_view condition, std::string_view what, std::string_view file, int line) {
    throw std::logic_error(fmt::format("internal error: {} ({} at {}:{})", what, condition, file, line));
}

}  // namespace calotype
