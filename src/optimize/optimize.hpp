#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.hpp"
#include "base/tensor.hpp"
#include "graph/graph.hpp"

namespace calotype::optimize {

/// The outputs of one node whose inputs are all constants, in order. The compiler binds this to ONNX Runtime, so that a
/// constant means here what it means at run time.
using Evaluate = std::function<std::vector<Tensor>(const graph::Graph&, graph::NodeId)>;

struct Options {
    std::vector<std::string> disabled;  ///< names of rewrites to leave out
    /// Called with the rewrite's name after each pass over the graph in which it changed something.
    std::function<void(std::string_view rewrite, const graph::Graph&)> dump;
    bool validate = false;  ///< checks the graph after every rewrite that changed something
    Evaluate evaluate;      ///< without it only what needs no arithmetic becomes constant
    Deadline deadline{};    ///< of all rewrites together
};

struct Report {
    struct Applied {
        std::string rewrite;
        int64_t times = 0;
    };
    /// A node that a rewrite recognised and left as it is.
    struct Declined {
        std::string rewrite, node, reason;
    };
    std::vector<Applied> applied;    ///< in the order of the pipeline, only what changed something
    std::vector<Declined> declined;  ///< of the final graph
};

/// Rewrites the graph until nothing is left to do, so that as much as possible of it are layers of an NPU. Values keep
/// their meaning within float32 rounding; inputs and outputs keep their names. Needs concrete dims
/// (observe::concretize). Throws Error OPTION_VALUE for a name in `disabled` that no rewrite has.
Report run(graph::Graph& graph, const Options& options);

/// Throws Error OPTION_VALUE for a name that no rewrite has.
void check_names(const std::vector<std::string>& disabled);

/// Name and reason for its place, in order.
struct RewriteInfo {
    std::string_view name, why_here;
};
std::vector<RewriteInfo> rewrites();

}  // namespace calotype::optimize
