#include "compiler/layer_report.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace calotype::compiler {

nlohmann::json layer_report(const npu::Network& network, const npu::Program& program,
                            const std::vector<quantize::LayerError>& errors, size_t subgraph) {
    nlohmann::json layers = nlohmann::json::array();
    for (const npu::Step& step : program.steps) {
        const auto index = static_cast<size_t>(step.layer);
        const npu::Layer& layer = network.layers[index];
        const npu::Quantization& quantization = network.tensors[static_cast<size_t>(layer.output)].quantization;
        const auto [least, most] = std::minmax_element(quantization.scale.begin(), quantization.scale.end());
        layers.push_back({{"subgraph", fmt::format("NPU_{}", subgraph)},
                          {"name", layer.name},
                          {"kind", npu::kind_name(layer.attributes)},
                          {"sources", layer.sources},
                          {"precision", "INT8"},
                          {"scales", quantization.scale.size()},
                          {"least_scale", *least},
                          {"most_scale", *most},
                          {"snr_db", errors[index].snr_db},
                          {"activation_error_codes", errors[index].activation_codes},
                          {"own", errors[index].own},
                          {"anew", errors[index].anew},
                          {"macs", step.macs},
                          {"cycles", step.cycles}});
    }
    return layers;
}

void mention_own_numbers(const std::vector<quantize::LayerError>& errors,
                         const std::function<void(std::string_view)>& message) {
    const auto own = std::ranges::count_if(errors, &quantize::LayerError::own);
    const auto is_anew = [](const quantize::LayerError& error) { return !error.anew.empty(); };
    const auto anew = std::ranges::count_if(errors, is_anew);
    if (own + anew == 0) return;
    std::string text =
        fmt::format("{} of {} layers keep the scales, weights and biases that the model states", own, errors.size());
    if (anew > 0) {
        const auto first = std::ranges::find_if(errors, is_anew);
        text += fmt::format("; {} are quantized anew, the first is `{}`: {}", anew, first->layer, first->anew);
    }
    message(text);
}

void mention_poor_layers(const std::vector<quantize::LayerError>& errors,
                         const std::function<void(std::string_view)>& message) {
    constexpr double kPoorDb = 3;  // half of the power is noise
    const auto poor = std::ranges::count_if(errors, [](const auto& error) { return error.snr_db < kPoorDb; });
    if (poor == 0) return;
    const auto worst = std::ranges::min_element(errors, {}, &quantize::LayerError::snr_db);
    message(
        fmt::format("{} of {} layers have less than {} dB against FP32, the worst is `{}` with {:.1f}: give more "
                    "samples, and see `calotype verify`",
                    poor, errors.size(), kPoorDb, worst->layer, worst->snr_db));
}

}  // namespace calotype::compiler
