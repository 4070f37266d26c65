#pragma once

// wrp_network_iriz.onnx: the whole final network as an ONNX model that people can look at and ONNX Runtime can run.

#include <variant>
#include <vector>

#include "base/deadline.hpp"
#include "graph/graph.hpp"
#include "npu/layer.hpp"
#include "npu/program.hpp"

namespace calotype::view {

struct NpuPart {
    const npu::Network* network = nullptr;
    const npu::Program* program = nullptr;  ///< cycles; may be null
};
struct CpuPart {
    const graph::Graph* graph = nullptr;  ///< reads and makes values by their names in the whole network
};
using Part = std::variant<NpuPart, CpuPart>;  ///< in order of execution; part k is named NPU_<k> or CPU_<k>

/// The view. `model` gives the inputs and outputs: names, types and dims. Quantized values are shown as
/// QuantizeLinear/DequantizeLinear, maps as [N, C, ...]; metadata `NPU_<k>/codes/<tensor id>` names the value that
/// holds a tensor's codes, `NPU_<k>/<layer>` tells its kind, precision and cycles. The NPU's rounding stands in
/// functions of the domain `calotype` (functions.hpp). Throws as the deadline does.
graph::Graph make_view(const graph::Graph& model, const std::vector<Part>& parts, const Deadline& deadline = {});

}  // namespace calotype::view
