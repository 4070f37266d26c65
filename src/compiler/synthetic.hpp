#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "calotype/compile.hpp"

namespace calotype::compiler {

/// Whether the model is quantized: it states scales itself.
bool states_scales(const std::filesystem::path& model, const Limits& limits);

using Shapes = std::vector<std::pair<std::string, Dims>>;

/// What stands in for samples of a quantized model, which needs none for its scales: one seeded random sample in the
/// range of each input's stated scale; an input has the first of `shapes` given for it. Null where the model states no
/// scale. Throws Error SHAPE_FREE where an input has a free dim besides the batch and none of `shapes` fits it.
std::unique_ptr<Samples> synthetic_sample(const std::filesystem::path& model, const Shapes& shapes,
                                          const Limits& limits);

/// Throws Error SHAPE_FREE: what an input sequence holds, no file tells.
[[noreturn]] void sequence_without_samples(const std::string& input);

}  // namespace calotype::compiler
