#pragma once

#include <chrono>
#include <cstdint>

namespace calotype::execute {

/// Adds its lifetime to `ns`; no clock is read where that is null.
class Stopwatch {
  public:
    explicit Stopwatch(int64_t* ns) : ns_(ns) {
        if (ns_ != nullptr) start_ = Clock::now();
    }
    ~Stopwatch() {
        if (ns_ != nullptr) *ns_ += std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start_).count();
    }
    Stopwatch(const Stopwatch&) = delete;
    Stopwatch& operator=(const Stopwatch&) = delete;

  private:
    using Clock = std::chrono::steady_clock;
    int64_t* ns_;
    Clock::time_point start_;
};

}  // namespace calotype::execute
