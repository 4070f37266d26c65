#include "quantize/bias_correction.hpp"

#include <algorithm>

#include "quantize/integer_layer.hpp"

namespace calotype::quantize {
namespace {

constexpr double kLeastLiveShare = 0.25;  // a step of more than four times what is lacking overshoots

}  // namespace

std::vector<double> bias_before_activation(const npu::Layer& layer, std::span<const npu::CodeTensor> tensors,
                                           const InputMoments& read, std::span<const double> sum_mean) {
    const auto unit = sum_scale(layer, tensors);
    const auto k = static_cast<size_t>(read.k);
    std::vector<double> bias(layer.bias.size());
    const size_t per_group = bias.size() / static_cast<size_t>(read.groups);
    for (size_t o = 0; o < bias.size(); ++o) {
        double sum = 0;
        for (size_t i = 0; i < k; ++i) {
            sum += static_cast<double>(layer.weights[o * k + i]) * static_cast<double>(read.sum[o / per_group * k + i]);
        }
        bias[o] = sum_mean[o % sum_mean.size()] - sum / static_cast<double>(read.windows) * unit[o];
    }
    return bias;
}

std::vector<double> bias_after_activation(const npu::Layer& layer, std::span<const npu::CodeTensor> tensors,
                                          const CodeMeans& wrote, std::span<const double> output_mean) {
    const npu::Quantization& output = tensors[static_cast<size_t>(layer.output)].quantization;
    const auto unit = sum_scale(layer, tensors);
    const auto count = static_cast<double>(wrote.count);
    std::vector<double> bias(layer.bias.size());
    for (size_t o = 0; o < bias.size(); ++o) {
        const size_t c = o % output_mean.size();
        const auto channel = static_cast<int64_t>(c);
        const double mean =
            (static_cast<double>(wrote.sum[c]) / count - output.zero_point_of(channel)) * output.scale_of(channel);
        const double live = std::max(static_cast<double>(wrote.live[c]) / count, kLeastLiveShare);
        bias[o] = layer.bias[o] * unit[o] + (output_mean[c] - mean) / live;
    }
    return bias;
}

}  // namespace calotype::quantize
