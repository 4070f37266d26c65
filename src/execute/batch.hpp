#pragma once

// How a caller's arrays fall into runs of the model's own batch, and how the runs' results become arrays again.

#include <map>
#include <string>
#include <vector>

#include "execute/model.hpp"

namespace calotype::execute {

/// Number of runs the arrays make. Throws Error INPUT_MISSING, INPUT_UNKNOWN, INPUT_TYPE, INPUT_SHAPE.
int64_t count_runs(const Model& model, const std::map<std::string, TensorView>& inputs);

/// What run `index` reads: the same bytes, no copy.
std::map<std::string, TensorView> inputs_of_run(const Model& model, const std::map<std::string, TensorView>& inputs,
                                                int64_t index);

/// The runs' results behind one another along axis 0; a value without a batch axis is stacked.
Tensor join(const Model& model, const Port& output, std::vector<Tensor> results);

}  // namespace calotype::execute
