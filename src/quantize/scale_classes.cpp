#include "quantize/scale_classes.hpp"

#include <algorithm>

namespace calotype::quantize {
namespace {

int64_t channels_of(const npu::FloatNetwork& network, npu::TensorId id) {
    const Dims& shape = network.tensors[static_cast<size_t>(id)].shape;
    return shape.empty() ? 1 : shape.back();
}

}  // namespace

bool only_moves(const npu::Attributes& attributes) {
    if (const auto* pool = std::get_if<npu::Pool>(&attributes)) return pool->kind == npu::PoolKind::max;
    return std::holds_alternative<npu::Concat>(attributes) || std::holds_alternative<npu::Pad>(attributes) ||
           std::holds_alternative<npu::Crop>(attributes) || std::holds_alternative<npu::Upsample>(attributes) ||
           std::holds_alternative<npu::SpaceToDepth>(attributes) ||
           std::holds_alternative<npu::ChannelReorder>(attributes) || std::holds_alternative<npu::Reshape>(attributes);
}

ScaleClasses::ScaleClasses(const npu::FloatNetwork& network, bool per_channel) : group_(network.tensors.size()) {
    int64_t slots = 0;
    for (size_t t = 0; t < network.tensors.size(); ++t) {
        first_.push_back(slots);
        slots += channels_of(network, static_cast<npu::TensorId>(t));
        group_[t] = t;
    }
    parent_.resize(static_cast<size_t>(slots));
    for (int64_t slot = 0; slot < slots; ++slot) parent_[static_cast<size_t>(slot)] = slot;
    const auto join_all = [&](npu::TensorId id) {
        const int64_t first = first_[static_cast<size_t>(id)];
        for (int64_t c = 1; c < channels_of(network, id); ++c) join(first, first + c);
    };
    for (const npu::Placement& input : network.inputs) join_all(input.tensor);
    for (const npu::Placement& output : network.outputs) join_all(output.tensor);
    for (const npu::FloatLayer& layer : network.layers) {
        if (only_moves(layer.attributes)) join_moved(network, layer);
        if (const auto* fc = std::get_if<npu::FullyConnected>(&layer.attributes);
            fc != nullptr && channels_of(network, layer.inputs[0]) > 1 && !per_channel) {
            join_all(layer.inputs[0]);
        }
    }
    if (!per_channel) {
        for (size_t t = 0; t < network.tensors.size(); ++t) join_all(static_cast<npu::TensorId>(t));
    }
}

int64_t ScaleClasses::root(int64_t slot) const {
    while (parent_[static_cast<size_t>(slot)] != slot) slot = parent_[static_cast<size_t>(slot)];
    return slot;
}

void ScaleClasses::join(int64_t a, int64_t b) {
    a = root(a);
    b = root(b);
    parent_[static_cast<size_t>(std::max(a, b))] = std::min(a, b);
}

void ScaleClasses::join_moved(const npu::FloatNetwork& network, const npu::FloatLayer& layer) {
    const int64_t to = first_[static_cast<size_t>(layer.output)];
    const int64_t to_channels = channels_of(network, layer.output);
    const auto* concat = std::get_if<npu::Concat>(&layer.attributes);
    const auto* pad = std::get_if<npu::Pad>(&layer.attributes);
    const auto* crop = std::get_if<npu::Crop>(&layer.attributes);
    const auto* reorder = std::get_if<npu::ChannelReorder>(&layer.attributes);
    const auto rank = static_cast<int64_t>(network.tensors[static_cast<size_t>(layer.output)].shape.size());
    int64_t behind = 0;  // channels of the inputs before, in a Concat along channels
    for (const npu::TensorId input : layer.inputs) {
        const int64_t from = first_[static_cast<size_t>(input)];
        const int64_t from_channels = channels_of(network, input);
        if (reorder != nullptr) {
            for (int64_t c = 0; c < to_channels; ++c) join(from + reorder->source[static_cast<size_t>(c)], to + c);
        } else if (crop != nullptr) {
            for (int64_t c = 0; c < to_channels; ++c) join(from + crop->first[3] + c * crop->step[3], to + c);
        } else if (pad != nullptr) {
            for (int64_t c = 0; c < from_channels; ++c) join(from + c, to + pad->channels_before + c);
        } else if (concat != nullptr && concat->axis == rank - 1) {
            for (int64_t c = 0; c < from_channels; ++c) join(from + c, to + behind + c);
            behind += from_channels;
        } else {
            // The same order of elements under other channel counts (Reshape, SpaceToDepth): element i is channel i %
            // channels.
            const int64_t span = std::max(from_channels, to_channels);
            for (int64_t c = 0; c < span * std::min(from_channels, to_channels); ++c) {
                join(from + c % from_channels, to + c % to_channels);
                if (c >= span && span % std::min(from_channels, to_channels) == 0) break;
            }
        }
        // One decision for tensors that share scales.
        const size_t a = group_[static_cast<size_t>(input)], b = group_[static_cast<size_t>(layer.output)];
        for (size_t& g : group_) {
            if (g == a || g == b) g = std::min(a, b);
        }
    }
}

}  // namespace calotype::quantize
