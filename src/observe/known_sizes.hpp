#pragma once

#include <set>
#include <string>
#include <vector>

#include "calotype/limits.hpp"
#include "graph/graph.hpp"
#include "ort/session.hpp"

namespace calotype::observe {

/// Throws Error ONNX_INVALID for a shape of more dims than are read of a file: a node may make one of any length.
void refuse_many_dims(const std::string& tensor, const Dims& dims);

/// Before a graph runs with every value kept: whether the tensors whose shapes are known by then stay within the
/// limits, alone and together, and whether no node computes longer than it may, as none can be interrupted. `outputs`
/// are the session's. Throws Error LIMIT_MEMORY, LIMIT_ELEMENTS, LIMIT_MACS, ONNX_INVALID with the tensor's or node's name.
void refuse_large_runs(const graph::Graph& graph, const std::vector<ort::Info>& outputs, const Limits& limits);

/// Whether the values in `fixed` stay within the file's own constants and what may be added: each, as it is computed,
/// and together those that will be kept.
/// Throws Error LIMIT_FOLDED with the largest one's name.
void refuse_large_constants(const graph::Graph& graph, const std::set<graph::ValueId>& fixed,
                            const std::vector<ort::Info>& outputs, const Limits& limits);

}  // namespace calotype::observe
