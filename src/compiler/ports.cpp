#include "compiler/ports.hpp"

#include <algorithm>

namespace calotype::compiler {
namespace {

bool batch_is_free(const graph::Graph& file_graph) {
    return std::any_of(file_graph.inputs.begin(), file_graph.inputs.end(), [&](graph::ValueId id) {
        const auto& dims = file_graph.value(id).dims;
        return dims && !dims->empty() && dims->front() < 0;
    });
}

const npu::Quantization& quantization_of(const npu::Network& network, const npu::Placement& placement) {
    return network.tensors[static_cast<size_t>(placement.tensor)].quantization;
}

Boundary boundary_of(const npu::Quantization& quantization, bool whole_numbers) {
    if (!whole_numbers) return Boundary::quantized;
    return quantization.zero_point[0] == -128 ? Boundary::uint8 : Boundary::int8;
}

}  // namespace

bool of_tensors(const graph::Graph& graph) {
    const auto is_tensor = [&](graph::ValueId id) { return !graph.value(id).other; };
    return std::ranges::all_of(graph.inputs, is_tensor) && std::ranges::all_of(graph.outputs, is_tensor);
}

execute::Port port_of(const Front& front, const Sizes& sizes, const std::vector<FurtherSize>& further,
                      graph::ValueId id) {
    const graph::Value& value = front.graph.value(id);
    if (value.other) {
        execute::Port port;
        port.name = value.name;
        port.type = value.other->element;
        port.kind = value.other->kind;
        port.also_for.resize(further.size());
        return port;
    }
    execute::Port port{
        value.name, value.type.value_or(DataType::float32), value.dims.value_or(Dims{}), Boundary::plain, {}, {}, {}};
    port.made_for = port.dims;
    for (const FurtherSize& size : further) port.also_for.push_back(size.dims.at(value.name));
    if (const auto free = sizes.ports.find(value.name); free != sizes.ports.end()) port.dims = free->second;
    if (of_tensors(front.graph) && batch_is_free(front.file_graph) && !port.dims.empty() && port.dims[0] == front.batch)
        port.dims[0] = -1;
    return port;
}

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
