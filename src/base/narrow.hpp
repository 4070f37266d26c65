#pragma once

#include <utility>

#include "base/error.hpp"

namespace calotype {

/// `value` as To; an internal error if it does not fit.
template <class To, class From>
constexpr To narrow(From value) {
    CALOTYPE_ASSERT(std::in_range<To>(value), "a narrowed integer keeps its value");
    return static_cast<To>(value);
}

}  // namespace calotype
