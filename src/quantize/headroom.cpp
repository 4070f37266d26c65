#include "quantize/headroom.hpp"

namespace calotype::quantize {

std::vector<double> headroom(const npu::FloatNetwork& network, const ScaleClasses& classes, int64_t samples) {
    const bool few = samples < 10;
    std::vector<double> factor(network.tensors.size(), few ? 1.25 : 1.0);
    const double at_the_end = few ? 2.0 : 1.5;
    const auto set = [&](npu::TensorId id) { factor[classes.group()[static_cast<size_t>(id)]] = at_the_end; };
    for (const npu::Placement& output : network.outputs) set(output.tensor);
    for (size_t i = network.layers.size(); i-- > 0;) {
        const npu::FloatLayer& layer = network.layers[i];
        if (const auto* pool = std::get_if<npu::Pool>(&layer.attributes); pool != nullptr && pool->global)
            set(layer.output);
    }
    for (size_t i = network.layers.size(); i-- > 0;) {
        if (!std::holds_alternative<npu::Conv>(network.layers[i].attributes)) continue;
        set(network.layers[i].output);
        break;
    }
    return factor;
}

}  // namespace calotype::quantize
