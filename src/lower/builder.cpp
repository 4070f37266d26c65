#include "lower/builder.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace calotype::lower {
namespace {

bool may_carry(const npu::Attributes& attributes, const npu::Activation& activation) {
    if (std::holds_alternative<npu::Conv>(attributes) || std::holds_alternative<npu::FullyConnected>(attributes))
        return true;
    if (activation.kind != npu::ActivationKind::clamp) return false;
    if (const auto* pool = std::get_if<npu::Pool>(&attributes)) return pool->kind == npu::PoolKind::average;
    return std::holds_alternative<npu::Add>(attributes) || std::holds_alternative<npu::Mul>(attributes);
}

}  // namespace

void Builder::decline(std::string_view code, std::string actual, NodeId culprit) const {
    throw Declined{npu::broken_limit(code, std::move(actual), config), culprit};
}

const Dims& Builder::dims(ValueId id) const {
    if (id == ValueId::none) decline("NPU_ATTRIBUTE", "an input is left out");
    const graph::Value& value = graph.value(id);
    if (value.type != DataType::float32)
        decline("NPU_DATA_TYPE",
                fmt::format("{}, that of `{}`", value.type ? name_of(*value.type) : "unknown", value.name));
    return dims_of_any_type(id);
}

const Dims& Builder::dims_of_any_type(ValueId id) const {
    const graph::Value& value = graph.value(id);
    if (value.constant) decline("NPU_CONSTANT_MAP", fmt::format("`{}`", value.name));
    if (!value.dims || value.varies || std::find(value.dims->begin(), value.dims->end(), -1) != value.dims->end())
        decline("NPU_SHAPE", fmt::format("unknown, that of `{}`", value.name));
    if (value.dims->size() < 2 || value.dims->size() > 5 || value.dims->front() != batch_ ||
        std::find(value.dims->begin(), value.dims->end(), 0) != value.dims->end())
        decline("NPU_SHAPE",
                fmt::format("{}, that of `{}`; the batch is {}", to_string(*value.dims), value.name, batch_));
    return *value.dims;
}

std::optional<std::vector<float>> Builder::constant(ValueId id) const {
    if (!graph.is_constant(id) || graph.value(id).constant->type() == DataType::string) return std::nullopt;
    return to_floats(*graph.value(id).constant);
}

Builder::View& Builder::view(ValueId value) {
    const Dims& shape = dims_of_any_type(value);
    const auto [found, fresh] = views_.try_emplace(value);
    View& view = found->second;
    if (fresh) view = {npu::TensorId::none, value, Order::identity({shape.begin() + 1, shape.end()})};
    if (view.tensor == npu::TensorId::none) {
        if (const auto input = inputs_.find(view.origin); input != inputs_.end()) {
            const auto joined = compose(view.order, input->second.second);
            if (!joined)
                decline("NPU_TRANSPOSE", fmt::format("that of `{}` across the axes of its source", name(value)),
                        graph.producer(value));
            view.tensor = input->second.first;
            view.order = *joined;
        }
    }
    return view;
}

bool Builder::placed(ValueId value) { return view(value).tensor != npu::TensorId::none; }

Order Builder::own_order(ValueId value) {
    const Order last = channels_last(dims(value));
    const View& view = this->view(value);
    if (view.tensor == npu::TensorId::none || same_permutation(view.order, last)) return last;
    const auto axes = whole_axes(view.order, last.split);
    return axes ? Order{last.split, *axes} : last;
}

npu::TensorId Builder::add_tensor(std::string value, Dims shape, const Order& order) {
    ++changes;
    network.tensors.push_back({std::move(value), std::move(shape), order.split, order.axes});
    return static_cast<npu::TensorId>(network.tensors.size() - 1);
}

void Builder::push(std::string name, std::vector<std::string> sources, NewLayer layer, npu::TensorId output,
                   std::string sum_value) {
    std::string unique = name;
    for (int k = 1; !names_.insert(unique).second; ++k) unique = fmt::format("{}/{}", name, k);
    made_by_[output] = network.layers.size();
    ++changes;
    network.layers.push_back({unique, std::move(sources), std::move(layer.attributes), std::move(layer.inputs), output,
                              layer.activation, std::move(sum_value), std::move(layer.weights), std::move(layer.bias)});
}

void Builder::add(NodeId id, NewLayer layer, ValueId output, const Order& order, const Dims& shape) {
    dims(output);
    std::vector<Dims> inputs;
    for (const npu::TensorId tensor : layer.inputs) inputs.push_back(this->shape(tensor));
    Dims made;
    try {
        made = npu::output_shape(layer.attributes, inputs, shape);
    } catch (const Error& error) {
        decline("NPU_SHAPE", error.text().fact);
    }
    if (made != shape)
        decline("NPU_SHAPE", fmt::format("the layer makes {}, the model says {}", to_string(made), to_string(shape)));
    const auto broken = npu::broken_limits({layer.attributes, inputs, shape}, config);
    if (!broken.empty()) throw Declined{broken.front()};
    const npu::TensorId tensor = add_tensor(name(output), shape, order);
    const Node& node = graph.node(id);
    const ValueId sum = layer.sum == ValueId::none ? output : layer.sum;
    push(node.name, node.sources, std::move(layer), tensor, name(sum));
    views_[output] = {tensor, ValueId::none, order};
}

void Builder::add_channels_last(NodeId node, NewLayer layer, ValueId output) {
    add(node, std::move(layer), output, channels_last(dims(output)), channels_last_shape(dims(output)));
}

void Builder::alias(NodeId node, ValueId value, ValueId of, const Order& order) {
    dims(value);
    const View& source = view(of);
    const auto joined = compose(order, source.order);
    if (!joined)
        decline("NPU_TRANSPOSE", fmt::format("that of `{}` across the axes of `{}`", name(value), name(of)), node);
    const View made{source.tensor, source.origin, *joined};
    views_[value] = made;
    ++changes;
}

bool Builder::fuse(NodeId id, const std::vector<std::string>& sources, ValueId x, ValueId output,
                   const npu::Activation& activation) {
    const View source = view(x);
    const auto maker = made_by_.find(source.tensor);
    if (maker == made_by_.end() || source.tensor == npu::TensorId::none) return false;
    npu::FloatLayer& layer = network.layers[maker->second];
    if (layer.activation.kind != npu::ActivationKind::none || !may_carry(layer.attributes, activation)) return false;
    // Codes are clamped as well as reals; any other activation asks for the sum before it is rounded to the stated scale.
    const bool clamps = activation.kind == npu::ActivationKind::clamp;
    if (network.tensors[npu::index_of(source.tensor)].stated && !clamps) return false;
    if (network.tensors[npu::index_of(source.tensor)].value != name(x)) return false;
    for (const npu::FloatLayer& reader : network.layers)
        if (std::find(reader.inputs.begin(), reader.inputs.end(), source.tensor) != reader.inputs.end()) return false;
    layer.activation = activation;
    layer.sources.insert(layer.sources.end(), sources.begin(), sources.end());
    if (names_.insert(graph.node(id).name).second) {
        names_.erase(layer.name);
        layer.name = graph.node(id).name;
    }
    network.tensors[npu::index_of(source.tensor)].value = name(output);
    views_[output] = source;
    ++changes;
    return true;
}

void Builder::state(npu::TensorId id, const Stated& stated) {
    network.tensors[npu::index_of(id)].stated = stated.quantization;
    network.tensors[npu::index_of(id)].narrowed = stated.narrowed;
    ++changes;
}

void Builder::quantize(NodeId id, ValueId x, ValueId codes, const Stated& stated) {
    View source = view(x);
    if (source.tensor == npu::TensorId::none) {
        const auto [known, fresh] = stated_inputs_.try_emplace(source.origin, stated);
        if (fresh || known->second == stated) {
            views_[codes] = source;
            ++changes;
            return;
        }
        source.tensor = require_as_it_lies(x).first;
        source = view(x);
    }
    const npu::FloatTensor from = network.tensors[npu::index_of(source.tensor)];
    if (!from.stated) state(source.tensor, stated);
    if (from.stated && *from.stated != stated.quantization) {
        const npu::TensorId output = add_tensor(from.value, from.shape, {from.split, from.axes});
        state(output, stated);
        push(graph.node(id).name, graph.node(id).sources, {npu::Requantize{}, {source.tensor}}, output, from.value);
        source.tensor = output;
    }
    views_[codes] = source;
}

void Builder::dequantize(ValueId codes, ValueId reals, const Stated& stated) {
    const View source = view(codes);
    const bool made_here = source.origin != codes;
    if (!made_here) {
        const auto [known, fresh] = stated_inputs_.try_emplace(codes, stated);
        if (!fresh && known->second != stated)
            decline("NPU_QUANTIZATION", fmt::format("`{}` is read under two scales", name(codes)));
        meant_by_.try_emplace(codes, reals);
    } else if (source.tensor != npu::TensorId::none) {
        // What the tensor holds is the rounded value: that is what its errors are measured against.
        npu::FloatTensor& tensor = network.tensors[npu::index_of(source.tensor)];
        if (tensor.value == name(graph.input(graph.producer(codes), 0)) && !is_input(source.tensor))
            tensor.value = name(reals);
    }
    views_[reals] = source;
    ++changes;
}

bool Builder::is_input(npu::TensorId tensor) const {
    return std::ranges::find(network.inputs, tensor, &npu::Placement::tensor) != network.inputs.end();
}

DataType Builder::type_of(ValueId value) const {
    const DataType type = graph.value(value).type.value_or(DataType::float32);
    if (type == DataType::int16 || type == DataType::uint16)
        decline("NPU_DATA_TYPE", fmt::format("codes `{}` of 16 bits enter or leave", name(value)));
    return type;
}

npu::Placement Builder::placement(ValueId value) {
    const auto [tensor, order] = require_as_it_lies(value);
    return {tensor, name(value), dims_of_any_type(value), order.split, order.axes, type_of(value)};
}

}  // namespace calotype::lower
