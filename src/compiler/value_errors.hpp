#pragma once

// How far the values that a snapshot makes outside of its NPU layers are from FP32: those of CPU subgraphs, which read
// what the NPU made, and the model's outputs.

#include <string>
#include <vector>

#include "base/thread_pool.hpp"
#include "calotype/compile.hpp"
#include "compiler/front.hpp"
#include "execute/model.hpp"

namespace calotype::compiler {

struct ValueError {
    std::string subgraph;  ///< "CPU_1"; empty for an output of the model
    std::string name;
    double snr_db = 0;         ///< of reals: against FP32, over the samples
    int64_t differ = 0;        ///< of other types: elements
    bool real = true;          ///< which of the two
    int64_t other_shapes = 0;  ///< samples of which the value has another shape: they count in neither
};

/// Outputs are held against the file as it stands, the rest against the optimized graph.
std::vector<ValueError> value_errors(const FrontOptions& options, const Front& front, const execute::Model& model,
                                     const Samples& samples, int64_t count, ThreadPool& pool);

}  // namespace calotype::compiler
