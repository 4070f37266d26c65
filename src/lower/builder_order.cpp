// Brings values into the order in memory that a layer works in: by naming an input so, or by a layer that moves codes.

#include <fmt/format.h>

#include "lower/builder.hpp"

namespace calotype::lower {
namespace {

/// ChannelReorder's source where `order` (from the tensor's memory) moves nothing but channels within a pixel.
std::optional<std::vector<int64_t>> channel_sources(const Order& order, int64_t channels) {
    size_t kept = 0;
    while (kept < order.axes.size() && order.axes[kept] == static_cast<int64_t>(kept)) ++kept;
    int64_t moved = 1;
    for (size_t i = kept; i < order.split.size(); ++i) moved *= order.split[i];
    if (moved == 0 || channels % moved != 0) return std::nullopt;
    Order tail;
    for (size_t i = kept; i < order.split.size(); ++i) {
        tail.split.push_back(order.split[i]);
        tail.axes.push_back(order.axes[i] - static_cast<int64_t>(kept));
    }
    const std::vector<int64_t> within = source_positions(tail);
    std::vector<int64_t> sources;
    for (int64_t c = 0; c < channels; ++c)
        sources.push_back(c / moved * moved + within[static_cast<size_t>(c % moved)]);
    return sources;
}

/// The block where `order` is [h, block, w, block * c] -> [h, w, block, block * c].
std::optional<int64_t> space_to_depth_block(const Order& order, const Dims& shape) {
    if (shape.size() != 3 || order.split.size() != 4 || order.axes != std::vector<int64_t>{0, 2, 1, 3})
        return std::nullopt;
    const int64_t block = order.split[1];
    const bool fits =
        order.split[0] * block == shape[0] && order.split[2] * block == shape[1] && order.split[3] == block * shape[2];
    return fits ? std::optional(block) : std::nullopt;
}

}  // namespace

void Builder::place_input(View& view, const Order& order, const Dims& shape) {
    const auto from_origin = compose(inverse(view.order), order);
    if (!from_origin)
        decline("NPU_TRANSPOSE", fmt::format("that of `{}` across the axes of its reader", name(view.origin)));
    const auto reals = meant_by_.find(view.origin);
    const std::string value = name(reals == meant_by_.end() ? view.origin : reals->second);
    const npu::TensorId tensor = add_tensor(value, shape, *from_origin);
    if (const auto stated = stated_inputs_.find(view.origin); stated != stated_inputs_.end())
        state(tensor, stated->second);
    inputs_[view.origin] = {tensor, *from_origin};
    network.inputs.push_back({tensor, name(view.origin), dims_of_any_type(view.origin), from_origin->split,
                              from_origin->axes, type_of(view.origin)});
    view.tensor = tensor;
    view.order = order;
}

npu::TensorId Builder::reshaped(npu::TensorId tensor, const Dims& shape) {
    if (this->shape(tensor) == shape) return tensor;
    const auto [found, fresh] = reshaped_.try_emplace({tensor, shape});
    if (fresh) {
        const npu::FloatTensor from = network.tensors[npu::index_of(tensor)];
        found->second = add_tensor(from.value, shape, {from.split, from.axes});
        push(from.value + "/reshape", {}, {npu::Reshape{}, {tensor}}, found->second, from.value);
    }
    return found->second;
}

std::optional<npu::TensorId> Builder::moved(ValueId value, const View& view, const Order& order, const Dims& shape) {
    const auto joined = compose(inverse(view.order), order);
    if (!joined) return std::nullopt;
    const Order move = simplified(*joined);
    const Dims& from = this->shape(view.tensor);
    npu::Attributes attributes;
    if (const auto block = space_to_depth_block(move, from)) {
        attributes = npu::SpaceToDepth{*block};
        const Dims made = npu::output_shape(attributes, {from}, shape);
        const auto broken = npu::broken_limits({attributes, {from}, made}, config);
        if (!broken.empty()) throw Declined{broken.front(), graph.producer(value)};
        const npu::TensorId output = add_tensor(name(value), made, order);
        push(name(value) + "/space_to_depth", {}, {attributes, {view.tensor}}, output, name(value));
        return reshaped(output, shape);
    }
    const auto sources = channel_sources(move, shape.back());
    if (!sources) return std::nullopt;
    const npu::TensorId input = reshaped(view.tensor, shape);
    const npu::TensorId output = add_tensor(name(value), shape, order);
    push(name(value) + "/channel_reorder", {}, {npu::ChannelReorder{*sources}, {input}}, output, name(value));
    return output;
}

npu::TensorId Builder::require(ValueId value, const Order& order, const Dims& shape) {
    View& view = this->view(value);
    if (view.tensor == npu::TensorId::none) {
        place_input(view, order, shape);
        return view.tensor;
    }
    if (same_permutation(view.order, order)) return reshaped(view.tensor, shape);
    if (const auto tensor = moved(value, view, order, shape)) {
        view = {*tensor, ValueId::none, order};
        return *tensor;
    }
    decline("NPU_TRANSPOSE", fmt::format("that of `{}` in memory", name(value)), graph.producer(value));
}

npu::TensorId Builder::require_channels_last(ValueId value) {
    return require(value, channels_last(dims(value)), channels_last_shape(dims(value)));
}

std::pair<npu::TensorId, Order> Builder::require_as_it_lies(ValueId value) {
    View& view = this->view(value);
    if (view.tensor == npu::TensorId::none) require_channels_last(value);
    return {view.tensor, view.order};
}

}  // namespace calotype::lower
