#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.hpp"

// The changes that the table of upgrade.cpp names. Each brings one node to the meaning it has at opset 21; a node may
// be changed and others placed around it, none is removed. No Node& lives across an insertion.

namespace calotype::onnx::upgrading {

using graph::Graph;
using graph::NodeId;
using graph::ValueId;

// words.cpp
[[noreturn]] void refuse(const Graph& graph, NodeId id, std::string fact, std::string hint);
ValueId int_constant(Graph& graph, NodeId id, std::string_view what, const std::vector<int64_t>& values);
ValueId float_constant(Graph& graph, NodeId id, std::string_view what, Dims dims, const std::vector<float>& values);
/// A node `<id>/<what>` with one new value, to stand before `id`; the value.
ValueId insert_before(Graph& graph, NodeId id, std::string_view what, std::string op, std::vector<ValueId> inputs,
                      std::map<std::string, graph::Attribute> attributes = {});
/// An attribute of ints, where it is there, becomes input `index`.
void ints_to_input(Graph& graph, NodeId id, const char* name, size_t index);
/// An attribute of one float, where it is there, becomes input `index`, a float32.
void float_to_input(Graph& graph, NodeId id, const char* name, size_t index);

// softmax.cpp
void softmax(Graph& graph, NodeId id);

// resize.cpp
void upsample(Graph& graph, NodeId id);
void resize_10(Graph& graph, NodeId id);
void resize_12(Graph& graph, NodeId id);

// normalization.cpp
void batch_normalization_9(Graph& graph, NodeId id);
void batch_normalization_14(Graph& graph, NodeId id);
void group_normalization(Graph& graph, NodeId id);

// scan.cpp
void scan_8(Graph& graph, NodeId id);

// subgraph.cpp
/// The body at opset 21, as its node's graph will be; false where it has ports of another type than tensors.
bool upgrade_subgraph(const Graph& outer, const graph::Node& node, graph::OpaqueGraph& body);

// before_8.cpp
void broadcast(Graph& graph, NodeId id);
void cast_1(Graph& graph, NodeId id);
void concat_1(Graph& graph, NodeId id);
void drop_old_attributes(Graph& graph, NodeId id);
void lp_pool_1(Graph& graph, NodeId id);
void pad_1(Graph& graph, NodeId id);
void prelu_6(Graph& graph, NodeId id);
void reshape_1(Graph& graph, NodeId id);
void selu_1(Graph& graph, NodeId id);
void split_1(Graph& graph, NodeId id);
void tile_1(Graph& graph, NodeId id);
void upsample_1(Graph& graph, NodeId id);

// inputs.cpp
void slice(Graph& graph, NodeId id);
void split(Graph& graph, NodeId id);
void top_k(Graph& graph, NodeId id);
void dft(Graph& graph, NodeId id);
void dropout_10(Graph& graph, NodeId id);

}  // namespace calotype::onnx::upgrading
