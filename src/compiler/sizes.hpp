#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "compiler/front.hpp"

namespace calotype::compiler {

/// Whether the file leaves a dim other than the batch free.
bool leaves_sizes_free(const graph::Graph& file_graph);

/// The heights and widths (depths, lengths) that one snapshot can serve.
struct Sizes {
    bool free = false;                  ///< other sizes than the first sample's too
    std::string one_size;               ///< why not, where the file leaves a dim other than the batch free
    int64_t step = 1;                   ///< of the sizes from the sample's on
    std::string off_step;               ///< why not those between
    std::map<std::string, Dims> ports;  ///< dims of inputs and outputs that the file leaves free, -1 where it does
};

/// Found by bringing the model to the split once more at another size: where the layers differ, they hold a constant
/// that came from the shape. `sample` is the one that `front` was made with; bounds of its crops that follow the size
/// are counted from the axis' end.
Sizes find_sizes(const FrontOptions& options, Front& front, const std::map<std::string, Tensor>& sample);

/// A size that a program is made for beside the first sample's.
struct FurtherSize {
    std::map<std::string, Dims> dims;           ///< of the model's inputs and outputs
    std::vector<std::vector<Dims>> npu_inputs;  ///< by subgraph, shapes of the network's inputs; none for a CPU one
};

/// The n-th shape given for each input makes the n-th size; an input without one keeps the sample's. Throws Error
/// INPUT_UNKNOWN, SHAPE_FIXED, and SHAPE_BOUND with the cause where the network cannot serve that size.
std::vector<FurtherSize> further_sizes(const FrontOptions& options, Front& front, const Sizes& sizes,
                                       const std::map<std::string, Tensor>& sample,
                                       const std::vector<std::pair<std::string, Dims>>& shapes);

}  // namespace calotype::compiler
