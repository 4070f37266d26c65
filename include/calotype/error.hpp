#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace calotype {

/// What a user did or gave that cannot be used. Printed as
///     CODE: subject: fact
///       try: hint
struct ErrorText {
    std::string code;     ///< stable, upper snake case: `SAMPLE_SHAPE`
    std::string subject;  ///< the file, node, tensor or option at fault, names in backquotes
    std::string fact;     ///< what was found and what is allowed, with numbers and units; lower case, no final stop
    std::string hint{};   ///< what to do about it; empty if nothing can be said
};

/// The user's fault: caught only at the edge (exit code 1, a Python exception).
class Error : public std::runtime_error {
  public:
    explicit Error(ErrorText text);
    const ErrorText& text() const { return text_; }

  private:
    ErrorText text_;
};

/// A broken promise inside calotype: exit code 3.
[[noreturn]] void assertion_failed(std::string_view condition, std::string_view what, std::string_view file, int line);

}  // namespace calotype

/// `what` says what no longer holds. Input can never reach an assert.
#define CALOTYPE_ASSERT(condition, what)                                                      \
    do {                                                                                      \
        if (!(condition)) ::calotype::assertion_failed(#condition, what, __FILE__, __LINE__); \
    } while (false)
