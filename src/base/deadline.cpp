#include "base/deadline.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/error.hpp"
#include "base/limits.hpp"

namespace calotype {

Deadline::Deadline(const Limits& limits, std::string subject, std::string stage)
    : end_(Clock::now() + std::chrono::seconds(limits.run_seconds)),
      seconds_(limits.run_seconds),
      subject_(std::move(subject)),
      stage_(std::move(stage)) {}

void Deadline::check() const {
    if (Clock::now() < end_) return;
    throw Error({"LIMIT_TIME", subject_, fmt::format("{} took longer than {} s and was ended", stage_, seconds_),
                 how_to_raise(&Limits::run_seconds)});
}

}  // namespace calotype
