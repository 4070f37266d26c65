#include "execute/model.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace calotype {

std::string name_of(Boundary boundary) {
    switch (boundary) {
        case Boundary::quantized: return "quantized";
        case Boundary::uint8: return "uint8";
        case Boundary::int8: return "int8";
        case Boundary::plain: return "plain";
    }
    CALOTYPE_ASSERT(false, "a boundary has a name");
}

namespace execute {
namespace {

std::vector<std::string> values_of(const std::vector<npu::Placement>& placements) {
    std::vector<std::string> names;
    for (const npu::Placement& placement : placements) names.push_back(placement.value);
    return names;
}

}  // namespace

bool of_tensors(const Model& model) {
    const auto is_tensor = [](const Port& port) { return port.kind == Kind::tensor; };
    return std::ranges::all_of(model.inputs, is_tensor) && std::ranges::all_of(model.outputs, is_tensor);
}

std::string sizes_of(const Port& port) {
    std::string text = to_string(port.made_for);
    for (const Dims& dims : port.also_for) text += ", " + to_string(dims);
    return text;
}

std::string size_fault(const Model& model, const Port& input, const Dims& dims) {
    const auto same_size = [&](const Dims& made) {
        return dims.empty() || std::equal(dims.begin() + 1, dims.end(), made.begin() + 1);
    };
    if (same_size(input.made_for) || std::ranges::any_of(input.also_for, same_size)) return {};
    if (!model.one_size.empty())
        return fmt::format("the network made for {} serves that size alone: {}", to_string(input.made_for),
                           model.one_size);
    for (size_t axis = 1; axis < dims.size(); ++axis)
        if ((dims[axis] - input.made_for[axis]) % model.size_step != 0)
            return fmt::format("the network serves sizes in steps of {} from {}; not those between: {}",
                               model.size_step, to_string(input.made_for), model.off_step);
    return {};
}

std::vector<std::string> inputs_of(const Subgraph& subgraph) {
    if (const auto* npu = std::get_if<NpuSubgraph>(&subgraph)) return values_of(npu->network.inputs);
    return std::get<CpuSubgraph>(subgraph).inputs;
}

std::vector<std::string> outputs_of(const Subgraph& subgraph) {
    if (const auto* npu = std::get_if<NpuSubgraph>(&subgraph)) return values_of(npu->network.outputs);
    return std::get<CpuSubgraph>(subgraph).outputs;
}

std::string name_of(const Subgraph& subgraph, size_t index) {
    return fmt::format("{}_{}", std::holds_alternative<NpuSubgraph>(subgraph) ? "NPU" : "CPU", index);
}

}  // namespace execute
}  // namespace calotype
