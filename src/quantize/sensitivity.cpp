#include "quantize/sensitivity.hpp"

namespace calotype::quantize {

std::vector<std::vector<double>> sensitivities(const npu::FloatNetwork& network) {
    std::vector<std::vector<double>> cost(network.tensors.size());
    for (size_t t = 0; t < cost.size(); ++t) {
        cost[t].assign(static_cast<size_t>(npu::channels_of(network.tensors[t].shape)), 0.0);
    }
    for (size_t i = network.layers.size(); i-- > 0;) {
        const npu::FloatLayer& layer = network.layers[i];
        const auto& out = cost[static_cast<size_t>(layer.output)];
        for (const npu::TensorId input : layer.inputs) {
            auto& in = cost[static_cast<size_t>(input)];
            if (const auto* conv = std::get_if<npu::Conv>(&layer.attributes)) {
                const int64_t per_group = conv->in_channels / conv->groups,
                              out_per_group = conv->out_channels / conv->groups;
                const int64_t k = conv->window.taps() * per_group;
                for (int64_t o = 0; o < conv->out_channels; ++o) {
                    const double next =
                        conv->depthwise() && out[static_cast<size_t>(o)] > 0 ? out[static_cast<size_t>(o)] : 1.0;
                    for (int64_t j = 0; j < k; ++j) {
                        const double w = layer.weights[static_cast<size_t>(o * k + j)];
                        in[static_cast<size_t>(o / out_per_group * per_group + j % per_group)] += w * w * next;
                    }
                }
            } else if (const auto* fc = std::get_if<npu::FullyConnected>(&layer.attributes)) {
                for (size_t w = 0; w < layer.weights.size(); ++w) {
                    in[w % static_cast<size_t>(fc->in_features) % in.size()] +=
                        static_cast<double>(layer.weights[w]) * layer.weights[w];
                }
            } else if (in.size() == out.size()) {
                for (size_t c = 0; c < in.size(); ++c) in[c] += out[c] > 0 ? out[c] : 1.0;
            } else {
                for (double& c : in) c += 1;
            }
        }
    }
    return cost;
}

}  // namespace calotype::quantize
