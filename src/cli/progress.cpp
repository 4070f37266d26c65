#include "cli/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace calotype::cli {

Progress::Progress() : terminal_(::isatty(STDERR_FILENO) == 1) {}
Progress::~Progress() { clear(); }

namespace {

std::string time_left(std::chrono::steady_clock::duration spent, double share) {
    constexpr double kTooEarly = 0.1;  // to say
    if (share < kTooEarly || share >= 1) return {};
    return fmt::format(", {:.0f} s left", std::chrono::duration<double>(spent).count() * (1 - share) / share);
}

}  // namespace

void Progress::show(std::string_view stage, double done, std::string_view detail) {
    if (!terminal_) return;
    const auto now = std::chrono::steady_clock::now();
    if (stage != stage_) begun_ = now;
    stage_ = stage;
    constexpr int kWidth = 30;
    const double share = std::clamp(done, 0.0, 1.0);
    const auto full = static_cast<size_t>(share * kWidth);
    const std::string line =
        fmt::format("[{}{}] {:3.0f} % {}{}{}{}", std::string(full, '#'), std::string(kWidth - full, ' '), 100 * share,
                    stage, detail.empty() ? "" : ", ", detail, time_left(now - begun_, share));
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
