#pragma once

// The readers of onnx.proto's messages. All throw Damage where the wire format is broken, Error ONNX_* where its
// content is.

#include <filesystem>
#include <string>

#include "base/deadline.hpp"
#include "calotype/limits.hpp"
#include "onnx/message.hpp"
#include "onnx/model.hpp"

namespace calotype::onnx {

/// Inputs of a node, a function or the graph, and likewise outputs: two bytes of a file can make one.
inline constexpr size_t kMostPorts = size_t{1} << 16;

/// What a file may reach and ask for.
struct Origin {
    std::filesystem::path folder;  ///< where external data may lie
    Limits limits;
    Deadline deadline{};
    mutable int64_t external_bytes = 0;  ///< of external data, read so far
};

[[noreturn]] void broken(std::string subject, std::string fact, std::string hint = "export the model again");
/// Throws Error LIMIT_ONNX with the option that raises the limit.
[[noreturn]] void beyond(int64_t Limits::* limit, std::string subject, std::string fact);

/// "node `conv1` (Conv)"
std::string subject_of(const graph::Node& node);

Model read_model(Message message, const Origin& origin);
/// A GraphProto without its model, whose limits were checked with the file.
Model read_graph_alone(Message message);
/// `referred`, of a function's node: the attributes that are the call's, own name -> the call's. Elsewhere none may be.
NamedNode read_node(Message message, const Origin& origin, std::map<std::string, std::string>* referred = nullptr);
/// An AttributeProto's name and value.
std::pair<std::string, graph::Attribute> read_attribute(Message message, const Origin& origin);
/// Throws Error ONNX_INVALID where the domain has a version already.
void read_opset(Message message, std::map<std::string, int64_t>& opsets);
ValueInfo read_value_info(Message message);
/// Throws Error ONNX_TENSOR.
NamedTensor read_tensor(Message message, const Origin& origin);
/// A tensor that ONNX Runtime will read itself: whole, of a size that its shape needs, and inside the file. Throws as
/// read_tensor.
void check_tensor(Message message, const Limits& limits);
/// A GraphProto inside a node: its bytes, and the outer values it reads.
graph::OpaqueGraph read_subgraph(Message message, const Limits& limits);
/// The nodes of a FunctionProto: what they hold is as a file's subgraphs' must be.
void check_function(Message message, const Limits& limits);
/// Refuses functions that call themselves, and more nodes than allowed once each call is its function's nodes.
void check_expansion(const Model& model, const Limits& limits);
/// Calls of model-local functions become the functions' nodes.
void expand_functions(Model& model, const Origin& origin);

/// A node that is given dims or axes of a tensor with more dims than one may have.
void refuse_many_dims(const graph::Graph& graph);

/// A Loop of more trips than allowed, or of none stated, that neither the file nor its body ends before.
void refuse_endless_loops(const graph::Graph& graph, const Limits& limits);

/// Names become ids; Constant nodes become constants.
graph::Graph link(Model model, const Deadline& deadline = {});

/// Constants of 4 bits that only DequantizeLinear read become ones of 8, of the same values: those the NPU can hold.
void widen_four_bits(graph::Graph& graph);

/// A network of other reals becomes one of float32.
void compute_in_float32(graph::Graph& graph);

}  // namespace calotype::onnx
