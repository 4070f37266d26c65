#pragma once

#include <filesystem>
#include <map>
#include <optional>

#include "execute/prepared_model.hpp"
#include "snapshot/snapshot.hpp"

namespace calotype::runtime {

/// What one run of the model gives on `inputs` (the model's own batch): every subgraph's outputs, every layer's hash.
/// With the default kernels; they all give the same bits.
snapshot::Golden make_golden(const execute::Model& model, const std::map<std::string, Tensor>& inputs, ThreadPool& pool,
                             const ort::Access& access = {},
                             emulate::KernelSet kernels = emulate::KernelSet::automatic);

/// The first difference between two such runs, naming subgraph and layer; empty where there is none. CPU subgraphs'
/// floats may differ by `cpu_tolerance` relative to each value's largest: ONNX Runtime's kernels depend on the
/// processor.
std::string first_difference(const execute::Model& model, const snapshot::Golden& expected,
                             const snapshot::Golden& found, double cpu_tolerance);

}  // namespace calotype::runtime
