#include "compiler/boundaries.hpp"

namespace calotype::compiler {
namespace {

const npu::Quantization& quantization_of(const npu::Network& network, const npu::Placement& placement) {
    return network.tensors[static_cast<size_t>(placement.tensor)].quantization;
}

Boundary boundary_of(const npu::Quantization& quantization, bool whole_numbers) {
    if (!whole_numbers) return Boundary::quantized;
    return quantization.zero_point[0] == -128 ? Boundary::uint8 : Boundary::int8;
}

}  // namespace

void set_boundaries(execute::Model& model, const npu::Network& network, const std::vector<bool>& whole_numbers) {
    for (size_t i = 0; i < network.inputs.size(); ++i) {
        for (execute::Port& port : model.inputs) {
            if (port.name != network.inputs[i].value) continue;
            port.quantization = quantization_of(network, network.inputs[i]);
            port.boundary = boundary_of(port.quantization, whole_numbers[i]);
        }
    }
    for (const npu::Placement& output : network.outputs) {
        for (execute::Port& port : model.outputs) {
            if (port.name != output.value) continue;
            port.quantization = quantization_of(network, output);
            port.boundary = Boundary::quantized;
        }
    }
}

}  // namespace calotype::compiler
