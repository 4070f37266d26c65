#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "calotype/limits.hpp"

namespace calotype {

/// By when a stage of the main flow is to be done; its loops ask.
class Deadline {
  public:
    Deadline() = default;  ///< never
    /// From now on for `limits.run_seconds`. `stage` begins a sentence's fact: "the rewrites".
    Deadline(const Limits& limits, std::string subject, std::string stage);

    /// Throws Error LIMIT_TIME, with subject and stage, once it is over.
    void check() const;

  private:
    using Clock = std::chrono::steady_clock;
    Clock::time_point end_ = Clock::time_point::max();
    int64_t seconds_ = 0;
    std::string subject_, stage_;
};

}  // namespace calotype
