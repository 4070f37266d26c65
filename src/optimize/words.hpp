#pragma once

// Words that rewrites are written in: what a node is, what a constant holds, how a node takes another's place.

#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "graph/graph.hpp"

namespace calotype::optimize {

using graph::Graph;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

/// An ai.onnx node of this operator; false for NodeId::none.
bool is_op(const Graph& graph, NodeId id, std::string_view op);
/// The producer of the node's first input where it is such a node, else NodeId::none.
NodeId producer_of_op(const Graph& graph, NodeId id, std::string_view op, size_t input = 0);

bool is_float32(const Graph& graph, ValueId id);
/// One node or graph output reads it, and it is not a graph output.
bool read_once(const Graph& graph, ValueId id);
/// Dims of a value where all are known and positive.
std::optional<Dims> known_dims(const Graph& graph, ValueId id);

/// Whether a map of these dims [batch, channels, spatial...], of one or two spatial axes, broadcasts to `whole` by
/// repeating pixels alone.
bool repeats_pixels(const Dims& dims, const Dims& whole);

/// Contents of a FLOAT32 constant.
std::optional<std::vector<float>> floats(const Graph& graph, ValueId id);
/// Contents of an INT64 or INT32 constant.
std::optional<std::vector<int64_t>> integers(const Graph& graph, ValueId id);
/// The one element of a FLOAT32 constant.
std::optional<float> scalar(const Graph& graph, ValueId id);
/// A list of integers given as input `index` or, in older opsets, as attribute `name`. Nothing where absent or
/// computed.
std::optional<std::vector<int64_t>> integers_of(const Graph& graph, NodeId id, size_t index, std::string_view name);
/// Whether input `index` is given.
bool has_input(const Graph& graph, NodeId id, size_t index);

/// What a Pad of FLOAT32 fills with, where that is one constant.
std::optional<float> constant_fill(const Graph& graph, NodeId pad);

/// A FLOAT32 constant that stands for one factor or summand a channel (axis 1) of a value with these dims, broadcast as
/// ONNX does without making the value larger: one entry a channel. Nothing where it varies along another axis.
std::optional<std::vector<double>> per_channel(const Graph& graph, ValueId constant, const Dims& dims);

ValueId add_floats(Graph& graph, std::string_view base, Dims dims, const std::vector<double>& contents);
ValueId add_integers(Graph& graph, std::string_view base, const std::vector<int64_t>& contents);

/// Through the graph, which keeps the readers of each value.
void set_inputs(Graph& graph, NodeId id, const std::vector<ValueId>& inputs);

/// What is written over a node: its name, outputs and sources stay.
struct NewOp {
    std::string op;
    std::vector<ValueId> inputs;
    std::map<std::string, graph::Attribute> attributes{};
};
void become(Graph& graph, NodeId id, NewOp op);
/// Each element of x repeated so often along each axis: nearest upsampling. The factors are named after `of`.
NewOp repeated(Graph& graph, NodeId of, ValueId x, const std::vector<double>& factors);
/// A new node in front of `before` with one output of this type and these dims; returns the output.
ValueId insert(Graph& graph, NodeId before, NewOp op, std::optional<DataType> type, Dims dims);
/// `into` from now on stands also for the user's nodes that `from`, a node in front of it, stood for.
void absorb(Graph& graph, NodeId into, NodeId from);
/// Likewise for a node behind it.
void absorb_behind(Graph& graph, NodeId into, NodeId from);
/// Without what stands there a second time, as may happen where many were joined.
std::vector<std::string> each_once(std::vector<std::string> sources);

/// Axis counted from the front.
inline int64_t own_axis(int64_t axis, size_t rank) { return axis < 0 ? axis + static_cast<int64_t>(rank) : axis; }

}  // namespace calotype::optimize
