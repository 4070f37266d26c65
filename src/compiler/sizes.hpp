#pragma once

#include <map>
#include <string>

#include "compiler/front.hpp"

namespace calotype::compiler {

/// The heights and widths (depths, lengths) that one snapshot can serve.
struct Sizes {
    bool free = false;                  ///< other sizes than the first sample's too
    std::string one_size;               ///< why not, where the file leaves a dim other than the batch free
    std::map<std::string, Dims> ports;  ///< dims of inputs and outputs that the file leaves free, -1 where it does
};

/// Found by bringing the model to the split once more at another size: where the layers differ, they hold a constant
/// that came from the shape. `sample` is the one that `front` was made with.
Sizes find_sizes(const FrontOptions& options, const Front& front, const std::map<std::string, Tensor>& sample);

/// The graph with every dim of its values free: what ONNX Runtime is given where sizes are free.
graph::Graph without_sizes(graph::Graph graph);

}  // namespace calotype::compiler
