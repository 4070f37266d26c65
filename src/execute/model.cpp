#include "execute/model.hpp"

#include <fmt/format.h>

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
