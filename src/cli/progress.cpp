#include "cli/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace calotype::cli {

Progress::Progress() : terminal_(::isatty(STDERR_FILENO) == 1) {}
Progress::~Progress() { clear(); }

void Progress::show(std::string_view stage, double done) {
    if (!terminal_) return;
    constexpr int kWidth = 30;
    const double share = std::clamp(done, 0.0, 1.0);
    const auto full = static_cast<size_t>(share * kWidth);
    const std::string line =
        fmt::format("[{}{}] {:3.0f} % {}", std::string(full, '#'), std::string(kWidth - full, ' '), 100 * share, stage);
    if (line == shown_) return;
    shown_ = line;
    fmt::print(stderr, "\r\x1b[K{}", line);
    std::fflush(stderr);
}

void Progress::message(std::string_view text) {
    clear();
    fmt::print(stderr, "{}\n", text);
}

void Progress::clear() {
    if (terminal_ && !shown_.empty()) fmt::print(stderr, "\r\x1b[K");
    shown_.clear();
}

}  // namespace calotype::cli
