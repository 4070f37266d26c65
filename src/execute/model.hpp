#pragma once

// A compiled model: the ordered list of subgraphs that a snapshot holds and the runner runs.

#include <string>
#include <variant>
#include <vector>

#include "calotype/port.hpp"
#include "npu/layer.hpp"
#include "npu/program.hpp"

namespace calotype::execute {

/// An input or output of the model. Its scale and zero point are those of the NPU tensor it becomes or comes from.
struct Port {
    std::string name;
    DataType type = DataType::float32;
    Dims dims;  ///< -1: free (the batch, and where other sizes can be planned, height and width)
    Boundary boundary = Boundary::plain;
    npu::Quantization quantization;  ///< one scale; empty where plain
    Dims made_for;                   ///< of the run that the programs were made for
    std::vector<Dims> also_for{};    ///< of the runs that the further programs were made for, in their order
    Kind kind = Kind::tensor;  ///< of another kind: `type` is that of the tensors it holds, all dims are empty
    friend bool operator==(const Port&, const Port&) = default;
};

/// Runs on the NPU; reads and writes the values its network's placements name.
struct NpuSubgraph {
    npu::Network network;
    npu::Program program;
    std::vector<npu::Program> more_programs{};  ///< of other sizes
    friend bool operator==(const NpuSubgraph&, const NpuSubgraph&) = default;
};
/// Runs on ONNX Runtime; a complete model of the shapes of one run (the model's own batch, 1 where that is free).
struct CpuSubgraph {
    std::string onnx_bytes;
    std::vector<std::string> inputs, outputs;  ///< value names
    friend bool operator==(const CpuSubgraph&, const CpuSubgraph&) = default;
};
using Subgraph = std::variant<NpuSubgraph, CpuSubgraph>;

struct Model {
    std::vector<Port> inputs, outputs;
    int64_t batch = 1;                ///< samples of one run: axis 0 of every value that has a batch
    std::vector<Subgraph> subgraphs;  ///< in order of execution
    std::string one_size;    ///< why no other height or width than the programs' can be run; empty where it can
    int64_t size_step = 1;   ///< sizes that can be run lie so far apart, counted from the first sample's
    std::string off_step{};  ///< why not those between
    friend bool operator==(const Model&, const Model&) = default;
};

/// Whether all inputs and outputs are tensors. Where they are not, a batch is not cut: one run takes what is given whole.
bool of_tensors(const Model& model);

/// The shapes that the programs were made for: "[1, 3, 224, 224], [1, 3, 320, 256]".
std::string sizes_of(const Port& port);

/// Why the input cannot have these dims, whose rank is the port's: its size is none that can be run. Empty where it can.
std::string size_fault(const Model& model, const Port& input, const Dims& dims);

/// Value names a subgraph reads and makes.
std::vector<std::string> inputs_of(const Subgraph& subgraph);
std::vector<std::string> outputs_of(const Subgraph& subgraph);
/// "NPU_0", "CPU_1": device and place in the list.
std::string name_of(const Subgraph& subgraph, size_t index);

}  // namespace calotype::execute
