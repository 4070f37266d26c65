#include "compiler/same_size.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <queue>
#include <set>
#include <string_view>

#include "base/error.hpp"

namespace calotype::compiler {
namespace {

using graph::Graph;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

constexpr size_t kMostValues = 32;  // looked at: the nearest will do

bool convolution_keeps_size(const Graph& graph, const Node& node) {
    const auto weights = graph::concrete_dims(graph, node.inputs[1]);
    if (!weights || weights->size() < 3) return false;
    const size_t axes = weights->size() - 2;
    const auto strides = graph::ints_attribute(node, "strides", std::vector<int64_t>(axes, 1));
    const auto dilations = graph::ints_attribute(node, "dilations", std::vector<int64_t>(axes, 1));
    const auto pads = graph::ints_attribute(node, "pads", std::vector<int64_t>(2 * axes, 0));
    const bool same = graph::string_attribute(node, "auto_pad", "NOTSET").starts_with("SAME");
    for (size_t i = 0; i < axes; ++i)
        if (strides[i] != 1 || (!same && pads[i] + pads[i + axes] != ((*weights)[i + 2] - 1) * dilations[i]))
            return false;
    return true;
}

/// Whether the node's first output is as large as its first input.
bool keeps_size(const Graph& graph, const Node& node) {
    constexpr std::array<std::string_view, 15> kOfOneValue{
        "BatchNormalization", "Cast", "Clip",      "Dropout", "Elu",     "Gelu", "HardSigmoid", "HardSwish",
        "Identity",           "Mish", "LeakyRelu", "Relu",    "Sigmoid", "Tanh", "Softplus"};
    if (!node.domain.empty() || node.inputs.empty() || node.outputs.empty()) return false;
    if (node.op == "Conv") return convolution_keeps_size(graph, node);
    return std::ranges::find(kOfOneValue, node.op) != kOfOneValue.end();
}

using Perm = std::vector<int64_t>;

/// A value, and which of its axes those of the value looked for are.
struct Place {
    ValueId value;
    Perm perm;  ///< empty: they are the same
};

/// Axis i is axis first[second[i]].
Perm joined(const Perm& first, const Perm& second) {
    if (first.empty() || second.empty()) return first.empty() ? second : first;
    Perm both;
    for (const int64_t axis : second) both.push_back(first[static_cast<size_t>(axis)]);
    return std::ranges::is_sorted(both) ? Perm{} : both;
}

Perm undone(const Perm& perm) {
    Perm back(perm.size());
    for (size_t i = 0; i < perm.size(); ++i) back[static_cast<size_t>(perm[i])] = static_cast<int64_t>(i);
    return back;
}

/// The axes of its input that a node's output has; nothing where it has others.
std::optional<Perm> axes_kept(const Graph& graph, const Node& node) {
    if (keeps_size(graph, node)) return Perm{};
    const auto perm = graph::ints_attribute(node, "perm");
    if (node.domain.empty() && node.op == "Transpose" && !perm.empty()) return perm;
    return std::nullopt;
}

std::vector<Place> neighbours(const Graph& graph, const Place& place) {
    std::vector<Place> found;
    if (const NodeId producer = graph.producer(place.value); producer != NodeId::none)
        if (const Node& node = graph.node(producer); node.outputs[0] == place.value)
            if (const auto kept = axes_kept(graph, node)) found.push_back({node.inputs[0], joined(*kept, place.perm)});
    for (const NodeId reader : graph.readers(place.value))
        if (const Node& node = graph.node(reader); node.inputs[0] == place.value)
            if (const auto kept = axes_kept(graph, node))
                found.push_back({node.outputs[0], joined(undone(*kept), place.perm)});
    return found;
}

/// The nearest value of that size for which `is_wanted` holds.
std::optional<AtHand> nearest(const Graph& file, ValueId of_file, const std::function<bool(const AtHand&)>& is_wanted) {
    std::queue<Place> left({{of_file, {}}});
    std::set<ValueId> seen;
    for (; !left.empty() && seen.size() < kMostValues; left.pop()) {
        if (!seen.insert(left.front().value).second) continue;
        AtHand found{file.value(left.front().value).name, left.front().perm};
        if (is_wanted(found)) return found;
        for (Place& next : neighbours(file, left.front())) left.push(std::move(next));
    }
    return {};
}

bool is_made_in(const Graph& graph, const std::string& value) {
    const auto id = graph.find_value(value);
    return id && (graph.producer(*id) != NodeId::none || std::ranges::find(graph.inputs, *id) != graph.inputs.end());
}

bool names(const std::vector<std::string>& values, const std::string& value) {
    return std::ranges::find(values, value) != values.end();
}

/// The tensor of an NPU part that holds the value.
std::optional<size_t> tensor_of(const npu::FloatNetwork& network, const std::string& value) {
    for (const npu::FloatLayer& layer : network.layers) {
        const npu::FloatTensor& tensor = network.tensors[index_of(layer.output)];
        if (tensor.value == value && !tensor.stated) return index_of(layer.output);
    }
    return {};
}

/// The tensor that holds the value [N, C, H, W] as a map [H, W, C].
std::optional<npu::TensorId> map_of(const npu::FloatNetwork& network, const std::string& value) {
    for (size_t t = 0; t < network.tensors.size(); ++t) {
        const npu::FloatTensor& tensor = network.tensors[t];
        if (tensor.value == value && tensor.shape.size() == 3 && tensor.axes == std::vector<int64_t>{1, 2, 0} &&
            tensor.constant.empty())
            return static_cast<npu::TensorId>(t);
    }
    return {};
}

bool is_at_hand(const Front& front, size_t index, const std::string& value) {
    const auto known = front.graph.find_value(value);
    if (!known || !graph::concrete_dims(front.graph, *known)) return false;
    if (std::ranges::find(front.graph.inputs, *known) != front.graph.inputs.end()) return true;
    for (size_t k = 0; k <= index; ++k) {
        const partition::Subgraph& part = front.plan.subgraphs[k];
        if (part.device == partition::Device::cpu ? is_made_in(part.graph, value)
                                                  : names(part.outputs, value) || tensor_of(part.network, value))
            return true;
    }
    return false;
}

/// An earlier part's value becomes one of its outputs.
void hand_out(const Front& front, partition::Subgraph& part, const std::string& value) {
    if (names(part.outputs, value)) return;
    if (part.device == partition::Device::cpu) {
        if (const auto made = part.graph.find_value(value); made && part.graph.producer(*made) != NodeId::none) {
            part.graph.outputs.push_back(*made);
            part.outputs.push_back(value);
        }
        return;
    }
    if (const auto found = tensor_of(part.network, value)) {
        const npu::FloatTensor& tensor = part.network.tensors[*found];
        const Dims dims = front.graph.value(*front.graph.find_value(value)).dims.value();
        part.network.outputs.push_back({static_cast<npu::TensorId>(*found), value, dims, tensor.split, tensor.axes});
        part.network.handed_on.insert(value);
        part.outputs.push_back(value);
    }
}

}  // namespace

Dims AtHand::of_file(const Dims& dims) const {
    if (perm.empty()) return dims;
    Dims turned;
    for (const int64_t axis : perm) turned.push_back(dims.at(static_cast<size_t>(axis)));
    return turned;
}

std::optional<AtHand> value_at_hand(const Front& front, size_t index, ValueId of_file) {
    return nearest(front.file_graph, of_file,
                   [&](const AtHand& value) { return is_at_hand(front, index, value.name); });
}

std::optional<npu::TensorId> tensor_as_large(const Front& front, const npu::FloatNetwork& network, ValueId of_file) {
    const auto found = nearest(front.file_graph, of_file, [&](const AtHand& value) {
        return value.perm.empty() && map_of(network, value.name).has_value();
    });
    return found ? map_of(network, found->name) : std::nullopt;
}

ValueId bring_into_part(Front& front, size_t index, const std::string& value) {
    partition::Subgraph& part = front.plan.subgraphs[index];
    if (is_made_in(part.graph, value)) return *part.graph.find_value(value);
    for (size_t k = 0; k < index; ++k) hand_out(front, front.plan.subgraphs[k], value);
    const graph::Value& known = front.graph.value(*front.graph.find_value(value));
    const ValueId input = part.graph.add_value(value, known.type, Dims(known.dims->size(), -1));
    part.graph.inputs.push_back(input);
    part.inputs.push_back(value);
    return input;
}

}  // namespace calotype::compiler
