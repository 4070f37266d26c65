#pragma once

#include <nlohmann/json.hpp>

#include "npu/program.hpp"
#include "quantize/quantize.hpp"

namespace calotype::compiler {

/// What report.json says of each layer of NPU subgraph number `subgraph`, in the order of the program.
nlohmann::json layer_report(const npu::Network& network, const npu::Program& program,
                            const std::vector<quantize::LayerError>& errors, size_t subgraph);

/// How many layers kept what a quantized model states, and why others did not; nothing where no layer could.
void mention_own_numbers(const std::vector<quantize::LayerError>& errors,
                         const std::function<void(std::string_view)>& message);

/// One message where layers lose most of their signal, with the worst of them.
void mention_poor_layers(const std::vector<quantize::LayerError>& errors,
                         const std::function<void(std::string_view)>& message);

}  // namespace calotype::compiler
