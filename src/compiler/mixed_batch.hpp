#pragma once

#include <string>
#include <vector>

#include "calotype/compile.hpp"
#include "compiler/front.hpp"

namespace calotype::compiler {

/// A snapshot runs the samples of a batch one by one. A warning for each output of a model of free batch where a sample's
/// result depends on the others (a mean, a Softmax, a product over the batch), found by running two samples together and
/// alone in FP32.
std::vector<std::string> mixed_batch_warnings(const Front& front, const Samples& samples, int64_t count);

}  // namespace calotype::compiler
