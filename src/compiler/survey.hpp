#pragma once

#include <string>
#include <vector>

#include "calotype/compile.hpp"
#include "compiler/front.hpp"

namespace calotype::compiler {

/// An input that has another size in a sample than in sample 0, the first such sample.
struct OtherSize {
    std::string input;
    std::string sample;  ///< its name
    std::string sizes;   ///< "input `x` is [1, 3, 8, 8] in one and [1, 3, 9, 9] in the other"
};

/// What one look at the samples shows before any work is done with them.
struct Survey {
    std::vector<std::string> warnings;   ///< inputs and samples without any variation: no range can be told from them
    std::vector<OtherSize> other_sizes;  ///< in order of the samples
};
Survey survey(const Samples& samples, int64_t count);

/// Throws Error SAMPLE_SIZES where samples have several sizes and the model takes one.
void check_sizes(const Survey& survey, const FrontOptions& options, const Samples& samples);

}  // namespace calotype::compiler
