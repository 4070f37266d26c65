#include "npu/arithmetic.hpp"
#include "npu/piecewise.hpp"
#include "quantize/integer_layer.hpp"
#include "quantize/scales.hpp"

namespace calotype::quantize {
namespace {

/// Grows every scale of a class that one of its members needs larger; true if any grew.
class Grower {
  public:
    Grower(const npu::FloatNetwork& network, const ScaleClasses& classes, Scales& scales)
        : classes_(classes), scales_(scales), members_(static_cast<size_t>(classes.slots())) {
        for (size_t t = 0; t < network.tensors.size(); ++t) {
            const auto channels = static_cast<size_t>(npu::channels_of(network.tensors[t].shape));
            npu::Quantization& quantization = scales.tensors[t];
            quantization.scale.resize(channels, quantization.scale[0]);
            quantization.zero_point.resize(channels, quantization.zero_point[0]);
            for (size_t c = 0; c < channels; ++c) {
                const auto slot = classes.of(static_cast<npu::TensorId>(t), static_cast<int64_t>(c));
                members_[static_cast<size_t>(slot)].emplace_back(t, c);
            }
        }
    }

    bool at_least(npu::TensorId tensor, size_t channel, float scale) {
        const npu::Quantization& now = scales_.tensors[static_cast<size_t>(tensor)];
        return now.scale[channel] < scale && put(tensor, channel, scale, now.zero_point[channel]);
    }

    /// Another zero point too: what a table of one scale for all channels asks for.
    bool put(npu::TensorId tensor, size_t channel, float scale, int32_t zero_point) {
        const npu::Quantization& now = scales_.tensors[static_cast<size_t>(tensor)];
        if (now.scale[channel] == scale && now.zero_point[channel] == zero_point) return false;
        const auto slot = classes_.of(tensor, static_cast<int64_t>(channel));
        for (const auto& [t, c] : members_[static_cast<size_t>(slot)]) {
            scales_.tensors[t].scale[c] = scale;
            scales_.tensors[t].zero_point[c] = zero_point;
        }
        return true;
    }

  private:
    const ScaleClasses& classes_;
    Scales& scales_;
    std::vector<std::vector<std::pair<size_t, size_t>>> members_;
};

/// True where a table for these scales asks for others.
bool fit_table(const npu::FloatLayer& layer, npu::Quantization output, Grower& grower) {
    npu::Quantization asked = output;
    compress(asked);
    const npu::Quantization made = npu::make_piecewise(layer.activation, std::vector{1.0}, asked).output;
    bool grew = false;
    for (size_t c = 0; c < output.scale.size(); ++c) {
        const auto channel = static_cast<int64_t>(c);
        const bool changed = asked.per_channel() && !made.per_channel()
                                 ? grower.put(layer.output, c, made.scale[0], made.zero_point[0])
                                 : grower.at_least(layer.output, c, made.scale_of(channel));
        grew = changed || grew;
    }
    return grew;
}

}  // namespace

void settle(const npu::FloatNetwork& network, const ScaleClasses& classes, Scales& scales) {
    constexpr int kRounds = 16;  // growth passes on from layer to layer, at most by 1 / 8 of a scale each
    Grower grower(network, classes, scales);
    std::vector<npu::Quantization> fits(network.layers.size());  // output scales that the layer was found to fit
    bool grew = true;
    for (int round = 0; grew && round < kRounds; ++round) {
        grew = false;
        for (size_t i = 0; i < network.layers.size(); ++i) {
            const npu::FloatLayer& layer = network.layers[i];
            const npu::Quantization& output = scales.tensors[static_cast<size_t>(layer.output)];
            bool layer_grew = false;
            if (std::holds_alternative<npu::Add>(layer.attributes)) {
                const auto least = npu::least_add_scale(scales.tensors[static_cast<size_t>(layer.inputs[0])],
                                                        scales.tensors[static_cast<size_t>(layer.inputs[1])]);
                for (size_t c = 0; c < output.scale.size() && !least.empty(); ++c)
                    layer_grew = grower.at_least(layer.output, c, least[least.size() > 1 ? c : 0]) || layer_grew;
            } else if (has_weights(layer.attributes) && is_piecewise(layer.activation) && output != fits[i]) {
                layer_grew = fit_table(layer, output, grower);
            }
            if (!layer_grew) fits[i] = output;
            grew = grew || layer_grew;
        }
    }
    for (npu::Quantization& quantization : scales.tensors) compress(quantization);
}

}  // namespace calotype::quantize
