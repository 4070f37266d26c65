#pragma once

#include <filesystem>
#include <span>
#include <string_view>

#include "base/deadline.hpp"
#include "calotype/limits.hpp"
#include "graph/graph.hpp"

namespace calotype::onnx {

/// An ONNX file as a Graph, brought to one opset (upgrade). External data is read from the file's own folder only.
/// Throws Error FILE_*, ONNX_*, LIMIT_ONNX with file, node or tensor for whatever is broken.
graph::Graph read(const std::filesystem::path& path, const Limits& limits = {});

/// As read, of bytes in memory: `name` stands for the file in messages, external data lies in `folder`.
graph::Graph parse(std::span<const std::byte> bytes, std::string_view name, const std::filesystem::path& folder,
                   const Limits& limits = {});

/// Brings a graph of opset 8 to 20 to 21, in place; newer ones stay. Throws Error OPSET_UNSUPPORTED.
void upgrade(graph::Graph& graph, const Deadline& deadline = {});

}  // namespace calotype::onnx
