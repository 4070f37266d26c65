#include "base/error.hpp"

#include <fmt/format.h>

namespace calotype {
namespace {

std::string print(const ErrorText& text) {
    std::string out = fmt::format("{}: {}: {}", text.code, text.subject, text.fact);
    if (!text.hint.empty()) out += fmt::format("\n  try: {}", text.hint);
    return out;
}

}  // namespace

Error::Error(ErrorText text) : std::runtime_error(print(text)), text_(std::move(text)) {}

void assertion_failed(std::string_view condition, std::string_view what, std::string_view file, int line) {
    throw std::logic_error(fmt::format("internal error: {} ({} at {}:{})", what, condition, file, line));
}

}  // namespace calotype
