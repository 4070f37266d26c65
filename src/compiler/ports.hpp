#pragma once

#include <vector>

#include "compiler/front.hpp"
#include "compiler/sizes.hpp"
#include "execute/model.hpp"

namespace calotype::compiler {

/// Whether all inputs and outputs are tensors. Where they are not, a batch is not cut: one run takes what is given whole.
bool of_tensors(const graph::Graph& graph);

/// The model's input or output as the runner shows it, its boundary still plain.
execute::Port port_of(const Front& front, const Sizes& sizes, const std::vector<FurtherSize>& further,
                      graph::ValueId id);

/// Types of the model's inputs that the NPU network reads and of the outputs it makes. `whole_numbers`, by network
/// input: the samples are whole numbers in one byte's range, so the codes are the numbers themselves.
void set_boundaries(execute::Model& model, const npu::Network& network, const std::vector<bool>& whole_numbers);

}  // namespace calotype::compiler
