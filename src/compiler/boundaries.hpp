#pragma once

#include <vector>

#include "execute/model.hpp"

namespace calotype::compiler {

/// Types of the model's inputs that the NPU network reads and of the outputs it makes. `whole_numbers`, by network
/// input: the samples are whole numbers in one byte's range, so the codes are the numbers themselves.
void set_boundaries(execute::Model& model, const npu::Network& network, const std::vector<bool>& whole_numbers);

}  // namespace calotype::compiler
