#include "quantize/scale_classes.hpp"

#include <algorithm>
#include <numeric>

namespace calotype::quantize {
namespace {

int64_t channels_of(const npu::FloatNetwork& network, npu::TensorId id) {
    return npu::channels_of(network.tensors[index_of(id)].shape);
}

/// Calls use(input channel, output channel) for each pair of which one becomes the other.
template <class Use>
void for_each_move(const npu::FloatNetwork& network, const npu::FloatLayer& layer, size_t input, const Use& use) {
    const int64_t from = channels_of(network, layer.inputs[input]), to = channels_of(network, layer.output);
    const auto rank = static_cast<int64_t>(network.tensors[static_cast<size_t>(layer.output)].shape.size());
    if (const auto* reorder = std::get_if<npu::ChannelReorder>(&layer.attributes)) {
        for (int64_t c = 0; c < to; ++c) use(reorder->source[static_cast<size_t>(c)], c);
    } else if (const auto* crop = std::get_if<npu::Crop>(&layer.attributes)) {
        for (int64_t c = 0; c < to; ++c) use(crop->first[3] + c * crop->step[3], c);
    } else if (const auto* pad = std::get_if<npu::Pad>(&layer.attributes)) {
        for (int64_t c = 0; c < from; ++c) use(c, pad->channels_before + c);
    } else if (const auto* concat = std::get_if<npu::Concat>(&layer.attributes);
               concat != nullptr && concat->axis == rank - 1) {
        int64_t before = 0;
        for (size_t i = 0; i < input; ++i) before += channels_of(network, layer.inputs[i]);
        for (int64_t c = 0; c < from; ++c) use(c, before + c);
    } else {
        // The same order of elements under other channel counts (Reshape, SpaceToDepth): element i is channel i %
        // channels.
        for (int64_t i = 0; i < std::lcm(from, to); ++i) use(i % from, i % to);
    }
}

/// ReLU or Clip as a layer of its own: codes that are clamped.
bool only_clamps(const npu::FloatLayer& layer) {
    const auto* conv = std::get_if<npu::Conv>(&layer.attributes);
    if (conv == nullptr || layer.activation.kind != npu::ActivationKind::clamp) return false;
    return conv->groups == conv->out_channels && layer.weights.size() == layer.bias.size() &&  // one tap a channel
           std::ranges::all_of(layer.weights, [](float w) { return w == 1; }) &&
           std::ranges::all_of(layer.bias, [](float b) { return b == 0; });
}

/// Where the model says nothing and the layers before do: what clamps keeps their scale, and so do the zeros of a Pad of
/// channels. In the layers' order, so that it passes from one to the next.
void hand_on_stated(const npu::FloatNetwork& network, ScaleClasses& classes) {
    for (const npu::FloatLayer& layer : network.layers) {
        if (const auto* pad = std::get_if<npu::Pad>(&layer.attributes))
            classes.state_zeros(layer.output, pad->channels_before);
        else if (only_clamps(layer) && classes.all_stated(layer.inputs[0]) && classes.none_stated(layer.output))
            classes.join_through(network, layer, 0);
    }
}

}  // namespace

bool only_moves(const npu::Attributes& attributes) {
    if (const auto* pool = std::get_if<npu::Pool>(&attributes)) return pool->kind == npu::PoolKind::max;
    return std::holds_alternative<npu::Concat>(attributes) || std::holds_alternative<npu::Pad>(attributes) ||
           std::holds_alternative<npu::Crop>(attributes) || std::holds_alternative<npu::Upsample>(attributes) ||
           std::holds_alternative<npu::SpaceToDepth>(attributes) ||
           std::holds_alternative<npu::ChannelReorder>(attributes) || std::holds_alternative<npu::Reshape>(attributes);
}

ScaleClasses::ScaleClasses(const npu::FloatNetwork& network) : group_(network.tensors.size()) {
    int64_t slots = 0;
    for (size_t t = 0; t < network.tensors.size(); ++t) {
        first_.push_back(slots);
        slots += channels_of(network, static_cast<npu::TensorId>(t));
    }
    first_.push_back(slots);
    parent_.resize(static_cast<size_t>(slots));
    std::iota(parent_.begin(), parent_.end(), 0);
    std::iota(group_.begin(), group_.end(), 0);
    stated_.resize(static_cast<size_t>(slots));
    for (size_t t = 0; t < network.tensors.size(); ++t) {
        const auto& stated = network.tensors[t].stated;
        for (int64_t c = 0; stated && c < first_[t + 1] - first_[t]; ++c)
            stated_[static_cast<size_t>(first_[t] + c)] = Code{stated->scale_of(c), stated->zero_point_of(c)};
    }
}

bool ScaleClasses::all_stated(npu::TensorId tensor) const {
    for (int64_t c = 0; c < channels(tensor); ++c)
        if (!stated(of(tensor, c))) return false;
    return true;
}

bool ScaleClasses::none_stated(npu::TensorId tensor) const {
    for (int64_t c = 0; c < channels(tensor); ++c)
        if (stated(of(tensor, c))) return false;
    return true;
}

bool ScaleClasses::all_stated() const {
    for (size_t t = 0; t < group_.size(); ++t)
        if (!all_stated(static_cast<npu::TensorId>(t))) return false;
    return true;
}

int64_t ScaleClasses::channels(npu::TensorId tensor) const {
    const auto t = static_cast<size_t>(tensor);
    return first_[t + 1] - first_[t];
}

int64_t ScaleClasses::root(int64_t slot) const {
    while (parent_[static_cast<size_t>(slot)] != slot) slot = parent_[static_cast<size_t>(slot)];
    return slot;
}

void ScaleClasses::join(int64_t a, int64_t b) {
    a = root(a);
    b = root(b);
    const auto& stated =
        stated_[static_cast<size_t>(a)] ? stated_[static_cast<size_t>(a)] : stated_[static_cast<size_t>(b)];
    stated_[static_cast<size_t>(std::min(a, b))] = std::optional<Code>(stated);
    parent_[static_cast<size_t>(std::max(a, b))] = std::min(a, b);
}

bool ScaleClasses::differ(int64_t a, int64_t b) const {
    const auto &one = stated(root(a)), &other = stated(root(b));
    return one && other && *one != *other;
}

bool ScaleClasses::channels_differ(npu::TensorId tensor) const {
    const int64_t first = first_[static_cast<size_t>(tensor)];
    for (int64_t c = 1; c < channels(tensor); ++c)
        if (differ(first, first + c)) return true;
    return false;
}

bool ScaleClasses::differ_through(const npu::FloatNetwork& network, const npu::FloatLayer& layer, size_t input) const {
    const int64_t from = first_[static_cast<size_t>(layer.inputs[input])];
    const int64_t to = first_[static_cast<size_t>(layer.output)];
    bool any = false;
    for_each_move(network, layer, input, [&](int64_t a, int64_t b) { any = any || differ(from + a, to + b); });
    return any;
}

void ScaleClasses::join_channels(npu::TensorId tensor) {
    const int64_t first = first_[static_cast<size_t>(tensor)];
    for (int64_t c = 1; c < channels(tensor); ++c) join(first, first + c);
}

void ScaleClasses::join_through(const npu::FloatNetwork& network, const npu::FloatLayer& layer, size_t input) {
    const int64_t from = first_[static_cast<size_t>(layer.inputs[input])];
    const int64_t to = first_[static_cast<size_t>(layer.output)];
    for_each_move(network, layer, input, [&](int64_t a, int64_t b) { join(from + a, to + b); });
    const size_t a = group_[static_cast<size_t>(layer.inputs[input])], b = group_[static_cast<size_t>(layer.output)];
    for (size_t& g : group_) {
        if (g == a || g == b) g = std::min(a, b);
    }
}

void ScaleClasses::state_zeros(npu::TensorId tensor, int64_t of_channel) {
    const std::optional<Code> code = stated(of(tensor, of_channel));
    for (int64_t c = 0; code && c < channels(tensor); ++c) {
        auto& one = stated_[static_cast<size_t>(of(tensor, c))];
        if (!one) one = code;
    }
}

ScaleClasses classes_of(const npu::FloatNetwork& network, bool per_channel) {
    ScaleClasses classes(network);
    for (const auto* ends : {&network.inputs, &network.outputs})
        for (const npu::Placement& end : *ends)
            if (!network.handed_on.contains(end.value)) classes.join_channels(end.tensor);
    for (const npu::FloatLayer& layer : network.layers) {
        for (size_t i = 0; only_moves(layer.attributes) && i < layer.inputs.size(); ++i) {
            classes.join_through(network, layer, i);
        }
    }
    hand_on_stated(network, classes);
    for (size_t t = 0; !per_channel && t < network.tensors.size(); ++t) {
        classes.join_channels(static_cast<npu::TensorId>(t));
    }
    return classes;
}

ScaleClasses classes_that_agree(const npu::FloatNetwork& network) {
    ScaleClasses classes(network);
    for (const npu::FloatLayer& layer : network.layers) {
        for (size_t i = 0; only_moves(layer.attributes) && i < layer.inputs.size(); ++i)
            if (!classes.differ_through(network, layer, i)) classes.join_through(network, layer, i);
    }
    hand_on_stated(network, classes);
    return classes;
}

}  // namespace calotype::quantize
