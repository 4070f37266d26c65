#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "graph/graph.hpp"
#include "ort/session.hpp"

namespace calotype::observe {

/// Binds the graph's free dims to those of `first_sample`, runs it once in ONNX Runtime with every value exposed,
/// writes type and dims of every value, and turns into constants what does not depend on the inputs' contents (shapes
/// are known now); of an If with such a condition its branch remains. Throws what a bad model makes ONNX Runtime say, and LIMIT_* where it is too large.
void concretize(graph::Graph& graph, const ort::Library& library, const std::map<std::string, Tensor>& first_sample);

/// Values computed from the shapes of others, through Shape and Size, and from nothing else but constants.
std::set<graph::ValueId> values_from_shapes(const graph::Graph& graph);

/// The graph with every dim of its values free: what ONNX Runtime is given where sizes are.
graph::Graph without_sizes(graph::Graph graph);

/// FP32 values of a graph, sample by sample, whatever their sizes; nothing of a sample is kept.
class Observer {
  public:
    /// `values`: names of values of the graph; ONNX Runtime runs it unoptimized, on one thread.
    Observer(const graph::Graph& graph, const ort::Library& library, std::vector<std::string> values);
    /// May be called from several threads.
    std::map<std::string, Tensor> run(const std::map<std::string, Tensor>& sample) const;

  private:
    std::vector<std::string> inputs_;  // of the wanted values, those that are graph inputs
    std::vector<std::string> outputs_;
    std::shared_ptr<const ort::Session> session_;
};

/// Evaluates one node all of whose inputs are constants.
using Evaluator = std::function<std::vector<Tensor>(const graph::Graph&, graph::NodeId)>;
Evaluator make_evaluator(const ort::Library& library);

}  // namespace calotype::observe
