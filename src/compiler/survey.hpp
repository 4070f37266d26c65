#pragma once

#include <string>
#include <vector>

#include "calotype/compile.hpp"
#include "compiler/front.hpp"

namespace calotype::compiler {

/// What one look at the samples shows before any work is done with them.
struct Survey {
    std::vector<std::string> warnings;  ///< inputs and samples without any variation: no range can be told from them
    std::string other_size;             ///< the first sample of another size than sample 0's, by its name; or empty
    std::string sizes;                  ///< "input `x` is [1, 3, 8, 8] in one and [1, 3, 9, 9] in the other"
};
Survey survey(const Samples& samples, int64_t count);

/// Throws Error SAMPLE_SIZES where samples have several sizes and the model takes one.
void check_sizes(const Survey& survey, const FrontOptions& options, const Samples& samples);

}  // namespace calotype::compiler
