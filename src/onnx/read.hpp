#pragma once

#include <filesystem>

#include "graph/graph.hpp"

namespace calotype::onnx {

/// An ONNX file as a Graph, brought to one opset (upgrade). External data is read from the file's own folder only. Throws
/// Error FILE_*, ONNX_* with file, node or tensor for whatever is broken.
graph::Graph read(const std::filesystem::path& path);

/// Brings a graph of opset 8 to 20 to 21, in place; newer ones stay. Throws Error OPSET_UNSUPPORTED.
void upgrade(graph::Graph& graph);

}  // namespace calotype::onnx
