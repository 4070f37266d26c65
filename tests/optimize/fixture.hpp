#pragma once

// Small graphs, and the oracle of all rewrites: ONNX Runtime before and after.

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "graph/graph.hpp"
#include "optimize/optimize.hpp"
#include "ort/library.hpp"

namespace calotype::optimize::tests {

using graph::Attribute;
using graph::Graph;
using graph::NodeId;
using graph::ValueId;
using Samples = std::map<std::string, Tensor>;
using Attributes = std::map<std::string, Attribute>;

/// Random numbers in [lo, hi) from a written seed.
std::vector<float> random_floats(int64_t count, uint32_t seed, float lo = -1, float hi = 1);

/// Writes a graph node by node. Nodes are named after their operator and count: "Conv_0".
class Writer {
  public:
    Graph graph;

    /// Of FLOAT32 or UINT8.
    ValueId input(const std::string& name, Dims dims, DataType type = DataType::float32);
    ValueId constant(Dims dims, std::vector<float> contents);
    /// Random, from a seed of its own; positive where `lo` is.
    ValueId weights(Dims dims, float lo = -1, float hi = 1);
    ValueId ints(std::vector<int64_t> contents);
    ValueId node(const std::string& op, std::vector<ValueId> inputs, Attributes attributes = {});
    void output(ValueId value, const std::string& name);

  private:
    uint32_t seed_ = 1;
    int64_t count_ = 0;
    std::map<std::string, int64_t> count_of_op_;
};

/// The graph after, what was said about it, and what it looks like.
struct Outcome {
    Graph graph;
    Report report;
    std::vector<std::string> ops;  ///< in order
    /// Reasons of the named rewrite.
    std::vector<std::string> reasons(const std::string& rewrite) const;
    int64_t applied(const std::string& rewrite) const;
    const graph::Node& only(const std::string& op) const;
};

const ort::Library& library();
Samples random_samples(const Graph& graph, uint32_t seed = 7);
std::map<std::string, Tensor> run_in_ort(const Graph& graph, const Samples& samples);
/// Largest difference over the range of `expected`.
double relative_error(const Tensor& expected, const Tensor& actual);

/// Optimizes the graph; fails the test where an output's name, dims or numbers change by more than float32 rounding.
Outcome optimized(Writer& writer, std::vector<std::string> disabled = {}, float lo = -2, float hi = 2);

}  // namespace calotype::optimize::tests
