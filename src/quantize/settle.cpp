#include "npu/arithmetic.hpp"
#include "npu/piecewise.hpp"
#include "quantize/integer_layer.hpp"
#include "quantize/scales.hpp"

namespace calotype::quantize {
namespace {

/// Changes the scale of a channel and of all that share it. Scales only grow and classes only join, so that settling
/// ends.
class Grower {
  public:
    Grower(const npu::FloatNetwork& network, const ScaleClasses& classes, Scales& scales)
        : classes_(classes), scales_(scales) {
        for (size_t t = 0; t < network.tensors.size(); ++t) {
            const auto channels = static_cast<size_t>(npu::channels_of(network.tensors[t].shape));
            npu::Quantization& quantization = scales.tensors[t];
            quantization.scale.resize(channels, quantization.scale[0]);
            quantization.zero_point.resize(channels, quantization.zero_point[0]);
        }
        gather();
    }

    bool at_least(npu::TensorId tensor, size_t channel, float scale) {
        const npu::Quantization& now = scales_.tensors[npu::index_of(tensor)];
        if (now.scale[channel] >= scale) return false;
        put(tensor, channel, scale, now.zero_point[channel]);
        return true;
    }

    /// One scale for all channels, from now on: a neighbour that shares some of them cannot part them again.
    void make_one(npu::TensorId tensor, float scale, int32_t zero_point) {
        classes_.join_channels(tensor);
        gather();
        put(tensor, 0, scale, zero_point);
    }

  private:
    void gather() {
        members_.assign(static_cast<size_t>(classes_.slots()), {});
        for (size_t t = 0; t < scales_.tensors.size(); ++t)
            for (size_t c = 0; c < scales_.tensors[t].scale.size(); ++c)
                members_[slot(static_cast<npu::TensorId>(t), c)].emplace_back(t, c);
    }
    size_t slot(npu::TensorId tensor, size_t channel) const {
        return static_cast<size_t>(classes_.of(tensor, static_cast<int64_t>(channel)));
    }
    void put(npu::TensorId tensor, size_t channel, float scale, int32_t zero_point) {
        for (const auto& [t, c] : members_[slot(tensor, channel)]) {
            scales_.tensors[t].scale[c] = scale;
            scales_.tensors[t].zero_point[c] = zero_point;
        }
    }

    ScaleClasses classes_;  // a copy: which scales the model states does not change
    Scales& scales_;
    std::vector<std::vector<std::pair<size_t, size_t>>> members_;  // by slot, of roots
};

/// Asks for what the layer's table needs of its output; true where that is more than it has.
bool fit_table(const npu::FloatLayer& layer, const npu::Quantization& output, Grower& grower) {
    npu::Quantization asked = output;
    compress(asked);
    const npu::Quantization made = npu::make_piecewise(layer.activation, std::vector{1.0}, asked).output;
    if (asked.per_channel() && !made.per_channel()) {
        grower.make_one(layer.output, made.scale[0], made.zero_point[0]);
        return true;
    }
    bool grew = false;
    for (size_t c = 0; c < output.scale.size(); ++c)
        grew = grower.at_least(layer.output, c, made.scale_of(static_cast<int64_t>(c))) || grew;
    return grew;
}

bool fit_add(const npu::FloatLayer& layer, const Scales& scales, Grower& grower) {
    const auto least = npu::least_add_scale(scales.tensors[npu::index_of(layer.inputs[0])],
                                            scales.tensors[npu::index_of(layer.inputs[1])]);
    const size_t channels = least.empty() ? 0 : scales.tensors[npu::index_of(layer.output)].scale.size();
    bool grew = false;
    for (size_t c = 0; c < channels; ++c)
        grew = grower.at_least(layer.output, c, least[least.size() > 1 ? c : 0]) || grew;
    return grew;
}

}  // namespace

void settle(const npu::FloatNetwork& network, const ScaleClasses& classes, Scales& scales) {
    Grower grower(network, classes, scales);
    std::vector<npu::Quantization> fits(network.layers.size());  // output scales that the layer was found to fit
    const auto grows = [&](size_t i) {
        const npu::FloatLayer& layer = network.layers[i];
        if (std::holds_alternative<npu::Add>(layer.attributes)) return fit_add(layer, scales, grower);
        if (!has_weights(layer.attributes) || !is_piecewise(layer.activation)) return false;
        const npu::Quantization& output = scales.tensors[npu::index_of(layer.output)];
        if (output == fits[i]) return false;
        const bool grew = fit_table(layer, output, grower);
        if (!grew) fits[i] = output;
        return grew;
    };
    // Growth passes on to readers through Adds and to earlier layers through shared scales: hence both directions.
    bool forwards = true;
    for (bool grew = true; grew; forwards = !forwards) {
        grew = false;
        for (size_t i = 0; i < network.layers.size(); ++i)
            grew = grows(forwards ? i : network.layers.size() - 1 - i) || grew;
    }
    for (npu::Quantization& quantization : scales.tensors) compress(quantization);
}

}  // namespace calotype::quantize
