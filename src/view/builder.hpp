#pragma once

// Small steps of building an ONNX graph: a node and its output in one call, constants, names.

#include <map>
#include <string>
#include <vector>

#include "graph/graph.hpp"

namespace calotype::view {

using graph::ValueId;

class Builder {
  public:
    Builder(graph::Graph& graph, std::string prefix) : graph_(graph), prefix_(std::move(prefix)) {}

    /// Adds `op` and returns its first output; names begin with the prefix. `value_name` (may be empty) is the
    /// output's.
    ValueId node(const std::string& op, const std::string& name, std::vector<ValueId> inputs,
                 std::map<std::string, graph::Attribute> attributes = {}, const std::string& value_name = "");

    /// As node, for a function of the view's own (functions.hpp).
    ValueId call(const std::string& function, const std::string& name, std::vector<ValueId> inputs);

    ValueId floats(const std::string& name, Dims dims, const std::vector<float>& values);
    ValueId ints(const std::string& name, const std::vector<int64_t>& values);
    ValueId constant(const std::string& name, Tensor content);
    /// The constant of this name and content, made if it is not there.
    ValueId shared(const std::string& name, Tensor content);

    /// Axes as an attribute says; nothing where they are in order already.
    ValueId transpose(const std::string& name, ValueId x, const std::vector<int64_t>& axes);
    /// All axes but the batch take `dims`.
    ValueId reshape(const std::string& name, ValueId x, const Dims& dims);

    graph::Graph& graph() { return graph_; }
    const std::string& prefix() const { return prefix_; }

  private:
    graph::Graph& graph_;
    std::string prefix_;
};

}  // namespace calotype::view
