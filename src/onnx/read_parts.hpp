#pragma once

// The readers of onnx.proto's messages. All throw Damage where the wire format is broken, Error ONNX_* where its
// content is. `folder` is where external data may lie.

#include <filesystem>
#include <string>

#include "onnx/message.hpp"
#include "onnx/model.hpp"

namespace calotype::onnx {

[[noreturn]] void broken(std::string subject, std::string fact, std::string hint = "export the model again");

/// "node `conv1` (Conv)"
std::string subject_of(const graph::Node& node);

Model read_model(Message message, const std::filesystem::path& folder);
/// A GraphProto without its model; tensors beside the file are not looked for.
Model read_graph_alone(Message message);
NamedNode read_node(Message message, const std::filesystem::path& folder);
ValueInfo read_value_info(Message message);
/// Throws Error ONNX_TENSOR.
NamedTensor read_tensor(Message message, const std::filesystem::path& folder);
/// A GraphProto inside a node: its bytes, and the outer values it reads.
graph::OpaqueGraph read_subgraph(Message message);

/// Names become ids; Constant nodes become constants.
graph::Graph link(Model model);

}  // namespace calotype::onnx
