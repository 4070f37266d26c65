#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/tensor.hpp"
#include "calotype/kind.hpp"

namespace calotype::graph {

enum class NodeId : int32_t { none = -1 };
enum class ValueId : int32_t { none = -1 };

/// A subgraph attribute (If, Loop, Scan): kept as the bytes of its GraphProto, never looked into but for the outer
/// values it reads by name. Such a node stays on the CPU.
struct OpaqueGraph {
    std::string bytes;
    std::vector<std::string> captured_values;
    std::vector<std::string> operators{};  ///< the op_types in it, inner graphs' too
    friend bool operator==(const OpaqueGraph&, const OpaqueGraph&) = default;
};

using Attribute = std::variant<int64_t, float, std::string, Tensor, std::vector<int64_t>, std::vector<float>,
                               std::vector<std::string>, OpaqueGraph>;

/// The type of a value that is no tensor: a sequence or an optional of tensors.
struct OtherType {
    Kind kind = Kind::sequence;
    DataType element = DataType::float32;
    friend bool operator==(const OtherType&, const OtherType&) = default;
};

/// An ONNX value: graph input, initializer or node output.
struct Value {
    std::string name;                  ///< unique in the graph
    std::optional<DataType> type;      ///< unknown until the file or a run says it
    std::optional<Dims> dims;          ///< -1 where a dim is free; unknown rank: nullopt
    bool varies = false;               ///< dims are those of the first sample's content, another content has others
    std::optional<OtherType> other;    ///< where it is no tensor; type and dims then stay unknown
    std::vector<std::string> symbols;  ///< per dim, the file's dim_param or "" (may be empty)
    std::optional<Tensor> constant;    ///< an initializer's content
    NodeId producer = NodeId::none;
};

/// One ONNX node. An absent optional input is ValueId::none.
struct Node {
    std::string name;    ///< unique in the graph
    std::string op;      ///< "Conv"
    std::string domain;  ///< "" is ai.onnx
    std::vector<ValueId> inputs;
    std::vector<ValueId> outputs;
    std::map<std::string, Attribute> attributes;
    std::vector<std::string> sources;  ///< names of the user's nodes that this one stands for (its own, to begin with)
};

/// Names that a node's subgraph attributes read from outside.
std::vector<std::string> captured_names(const Node& node);

struct Function;

/// A dataflow graph in ONNX vocabulary, owner of its nodes and values. Ids stay valid while other things are removed;
/// `nodes()` lists the living ones in an order in which producers stand before readers (after `sort`).
class Graph {
  public:
    std::string name;
    int64_t opset = 21;                           ///< of ai.onnx
    std::map<std::string, int64_t> other_opsets;  ///< domain -> version
    std::vector<ValueId> inputs;                  ///< without initializers
    std::vector<ValueId> outputs;
    std::map<std::string, std::string> metadata;
    std::string local_functions;      ///< the file's: concatenated FunctionProto fields, passed through
    std::vector<Function> functions;  ///< ours, beside those

    // values
    ValueId add_value(std::string name, std::optional<DataType> type = {}, std::optional<Dims> dims = {});
    ValueId add_constant(std::string name, Tensor content);
    Value& value(ValueId id);
    const Value& value(ValueId id) const;
    std::optional<ValueId> find_value(std::string_view name) const;
    /// Every value id ever made and still in use by a node, an input or an output, in order of id.
    std::vector<ValueId> values() const;
    /// `base`, or `base` with the smallest suffix that makes it unused.
    std::string unused_value_name(std::string_view base) const;
    std::string unused_node_name(std::string_view base) const;

    // nodes
    /// Appends a node, whose outputs have no producer yet. An empty name gets one.
    NodeId add_node(Node node);
    /// As add_node, placed before `before` in nodes().
    NodeId insert_node(Node node, NodeId before);
    Node& node(NodeId id);
    const Node& node(NodeId id) const;
    bool alive(NodeId id) const;
    const std::vector<NodeId>& nodes() const {
        if (unsettled_) settle();
        return order_;
    }
    /// Removes the node; its outputs lose their producer (and vanish from values() unless read).
    void remove_node(NodeId id);

    // dataflow
    /// Input `index` of the node; ValueId::none if absent.
    ValueId input(NodeId id, size_t index) const;
    ValueId output(NodeId id, size_t index = 0) const;
    /// The node that makes the value; NodeId::none for inputs and constants.
    NodeId producer(ValueId id) const;
    /// Reading nodes in order, each once.
    std::vector<NodeId> readers(ValueId id) const;
    /// Number of reads by nodes, captured subgraphs and graph outputs; counting may end once it is `enough`.
    int64_t uses(ValueId id, int64_t enough = INT64_MAX) const;
    bool is_output(ValueId id) const;
    bool is_constant(ValueId id) const { return id != ValueId::none && value(id).constant.has_value(); }
    /// Every read of `from` (graph outputs too) becomes a read of `to`. Where `from` is a graph output, `to` takes its
    /// name if `to` has a producer and is itself no graph output or input; otherwise an Identity node keeps the name.
    void replace_uses(ValueId from, ValueId to);
    void set_input(NodeId id, size_t index, ValueId value);

    /// The same nodes in another order, for sort() to start from.
    void reorder(std::vector<NodeId> order);
    /// Producers before readers; among free choices the file's order. Throws Error GRAPH_CYCLE naming the nodes of
    /// one cycle.
    void sort();
    /// Drops nodes whose outputs nobody reads, back from the last; true if anything went.
    bool remove_dead();
    /// Checks ids, names, order, single producers; an internal error names what is broken.
    void validate() const;

  private:
    struct NodeSlot {
        Node node;
        bool alive = true;
    };
    NodeId store(Node node);
    void settle() const;
    void free_node_name(const std::string& name);
    [[noreturn]] void refuse_cycle(const std::vector<NodeId>& cycle) const;

    std::vector<Value> values_;
    std::vector<std::set<NodeId>> readers_;  // by value
    std::vector<NodeSlot> nodes_;
    // A place in the order costs a search of it: removed and inserted nodes find theirs together, when somebody asks.
    mutable std::vector<NodeId> order_;
    mutable std::map<NodeId, std::vector<NodeId>> inserted_;  // by the node they stand before
    mutable bool unsettled_ = false;
    std::map<std::string, ValueId, std::less<>> by_name_;
    std::set<std::string, std::less<>> node_names_;
    // By base, where many have it: all suffixes below are taken, so that the n-th does not search n times.
    mutable std::map<std::string, int64_t, std::less<>> value_suffixes_, node_suffixes_;
    std::map<std::string, int64_t, std::less<>> captured_;  // how many subgraphs of living nodes read the name
};

/// A model-local function: nodes of its domain whose op is the body's name stand for the body. The body's constants
/// come from Constant nodes; other_opsets of the caller names the domain.
struct Function {
    std::string domain;
    Graph body;
};

// Typed attributes; the default where absent. Throws Error NODE_ATTRIBUTE where the file gives another type.
int64_t int_attribute(const Node& node, std::string_view name, int64_t absent);
float float_attribute(const Node& node, std::string_view name, float absent);
std::string string_attribute(const Node& node, std::string_view name, std::string_view absent);
std::vector<int64_t> ints_attribute(const Node& node, std::string_view name, std::vector<int64_t> absent = {});

/// If, Loop, Scan: what it computes is not looked into.
bool has_subgraph(const Node& node);
/// Whether its result differs from run to run; so it does where a subgraph of it holds a random operator.
bool is_random(const Node& node);

/// The dims where all are known (no -1) and the same for all contents of the inputs, else nullopt.
std::optional<Dims> concrete_dims(const Graph& graph, ValueId id);

/// The dims as a file may state them: all free where they vary.
std::optional<Dims> stated_dims(const Value& value);

/// Numbered text of the whole graph, one node a line, for --dump; does not hold constants' contents beyond 16 elements.
std::string to_text(const Graph& graph);

}  // namespace calotype::graph
