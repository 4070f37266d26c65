#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lower/families.hpp"

namespace calotype::lower {
namespace {

/// A constant operand as one number a channel of x, where it is one.
std::optional<std::vector<float>> per_channel(const Builder& builder, ValueId constant, const Dims& x) {
    const auto given = builder.constant(constant);
    if (!given) return std::nullopt;
    Dims dims = builder.graph.value(constant).constant->dims();
    if (dims.size() > x.size()) return std::nullopt;
    dims.insert(dims.begin(), x.size() - dims.size(), 1);
    for (size_t i = 0; i < dims.size(); ++i)
        if (dims[i] != 1 && (i != 1 || dims[i] != x[1])) return std::nullopt;
    std::vector<float> numbers = *given;
    if (numbers.size() == 1) numbers.resize(static_cast<size_t>(x[1]), numbers[0]);
    return numbers;
}

/// Which of two operands is a constant; nothing where none is, or both are.
std::optional<size_t> constant_operand(const Graph& graph, NodeId id) {
    const Node& node = graph.node(id);
    if (node.inputs.size() != 2 || graph.is_constant(node.inputs[0]) == graph.is_constant(node.inputs[1]))
        return std::nullopt;
    return graph.is_constant(node.inputs[1]) ? 1 : 0;
}

/// x op constant (or constant op x) as a scale and an offset per channel. False where the constant is a map.
bool lower_per_channel(Builder& builder, NodeId id, size_t k) {
    const Graph& graph = builder.graph;
    const Node& node = graph.node(id);
    const ValueId x = node.inputs[1 - k];
    const auto numbers = per_channel(builder, node.inputs[k], builder.dims(x));
    if (!numbers) return false;
    std::vector<float> scale(numbers->size(), 1.0F), offset(numbers->size(), 0.0F);
    if (node.op == "Add") offset = *numbers;
    if (node.op == "Mul") scale = *numbers;
    if (node.op == "Sub") {
        for (size_t i = 0; i < offset.size(); ++i) offset[i] = k == 1 ? -(*numbers)[i] : (*numbers)[i];
        if (k == 0) std::fill(scale.begin(), scale.end(), -1.0F);
    }
    if (node.op == "Div") {
        if (k == 0) builder.decline("NPU_OPERATOR", "a division by a value computed at run time");
        for (size_t i = 0; i < scale.size(); ++i) scale[i] = 1.0F / (*numbers)[i];
    }
    add_per_channel(builder, id, x, graph.output(id), std::move(scale), std::move(offset));
    return true;
}

/// x op a constant map, as it lies: a factor for all channels of a pixel is one number a pixel.
void lower_map(Builder& builder, NodeId id, size_t k, const npu::Attributes& layer) {
    const Graph& graph = builder.graph;
    const ValueId constant = graph.node(id).inputs[k], x = graph.node(id).inputs[1 - k], y = graph.output(id);
    const Dims& dims = builder.dims(x);
    if (builder.dims(y) != dims)
        builder.decline("NPU_BROADCAST", fmt::format("{} from {}", to_string(builder.dims(y)), to_string(dims)));
    const auto [input, order] = builder.require_as_it_lies(x);
    const Dims shape = builder.shape(input);
    Dims own = graph.value(constant).constant->dims();
    if (own.size() < dims.size()) own.insert(own.begin(), dims.size() - own.size(), 1);
    Dims gate = dims;
    gate[1] = 1;
    const bool one_a_pixel = std::holds_alternative<npu::Mul>(layer) && own[1] == 1 &&
                             shape == channels_last_shape(dims) && same_permutation(order, channels_last(dims));
    const npu::TensorId held = one_a_pixel
                                   ? builder.hold(constant, gate, channels_last(gate), channels_last_shape(gate))
                                   : builder.hold(constant, dims, order, shape);
    builder.add(id, {layer, {input, held}}, y, order, shape);
}

}  // namespace

void add_per_channel(Builder& builder, NodeId id, ValueId x, ValueId output, std::vector<float> scale,
                     std::vector<float> offset, const npu::Activation& activation) {
    const Dims& dims = builder.dims(x);
    if (builder.dims(output) != dims)
        builder.decline("NPU_BROADCAST", fmt::format("{} from {}", to_string(builder.dims(output)), to_string(dims)));
    const bool uniform = std::all_of(scale.begin(), scale.end(), [&](float s) { return s == scale[0]; }) &&
                         std::all_of(offset.begin(), offset.end(), [&](float o) { return o == offset[0]; });
    auto [input, order] = builder.require_as_it_lies(x);
    const bool canonical = same_permutation(order, channels_last(dims)) && builder.shape(input).back() == dims[1];
    if (!canonical && !uniform) {
        input = builder.require_channels_last(x);
        order = channels_last(dims);
    }
    const Dims shape = builder.shape(input);
    const int64_t channels = shape.back();
    scale.resize(static_cast<size_t>(channels), scale[0]);
    offset.resize(static_cast<size_t>(channels), offset[0]);
    NewLayer layer{
        npu::Conv{channels, channels, channels, {}}, {input}, std::move(scale), std::move(offset), activation};
    // Only lower_activation gives one, and it neither scales nor shifts: the sums are x.
    if (activation.kind != npu::ActivationKind::none) layer.sum = x;
    builder.add(id, std::move(layer), output, order, shape);
}

void lower_activation(Builder& builder, NodeId id, const ActivationMatch& match) {
    const Graph& graph = builder.graph;
    const ValueId output = graph.output(id);
    if (builder.dims(output) != builder.dims(match.x))
        builder.decline("NPU_BROADCAST",
                        fmt::format("{} from {}", to_string(builder.dims(output)), to_string(builder.dims(match.x))));
    std::vector<std::string> sources;
    int64_t reads = 0;
    for (const NodeId node : match.nodes) {
        sources.insert(sources.end(), graph.node(node).sources.begin(), graph.node(node).sources.end());
        for (const ValueId input : graph.node(node).inputs) reads += input == match.x;
    }
    if (graph.uses(match.x, reads + 1) == reads && builder.fuse(id, sources, match.x, output, match.activation)) return;
    const size_t channels = static_cast<size_t>(builder.dims(match.x)[1]);
    add_per_channel(builder, id, match.x, output, std::vector<float>(channels, 1.0F),
                    std::vector<float>(channels, 0.0F), match.activation);
}

void lower_add(Builder& builder, NodeId id) {
    const Graph& graph = builder.graph;
    const Node& node = graph.node(id);
    const auto k = constant_operand(graph, id);
    if (k && lower_per_channel(builder, id, *k)) return;
    if (node.op == "Div")
        builder.decline("NPU_OPERATOR", k == 1 ? "a division by a constant map of which no reciprocal is taken"
                                               : "a division by a value computed at run time");
    if (node.inputs.size() != 2) builder.decline("NPU_ATTRIBUTE", fmt::format("a sum of {} maps", node.inputs.size()));
    if (k && node.op == "Add") return lower_map(builder, id, *k, npu::Add{});
    if (k) builder.decline("NPU_ATTRIBUTE", "a difference of a map and a constant one");  // else sub_to_add's
    ValueId a = node.inputs[0], b = node.inputs[1];
    if (builder.dims(a) != builder.dims(b))
        builder.decline("NPU_BROADCAST",
                        fmt::format("{} and {}", to_string(builder.dims(a)), to_string(builder.dims(b))));
    if (node.op == "Sub") builder.decline("NPU_ATTRIBUTE", "a difference of two maps");  // else sub_to_add's
    if (!builder.placed(a) && builder.placed(b)) std::swap(a, b);
    const auto [first, order] = builder.require_as_it_lies(a);
    const npu::TensorId second = builder.require(b, order, builder.shape(first));
    builder.add(id, {npu::Add{}, {first, second}}, graph.output(id), order, builder.shape(first));
}

void lower_mul(Builder& builder, NodeId id) {
    const Graph& graph = builder.graph;
    if (const auto k = constant_operand(graph, id)) {
        if (!lower_per_channel(builder, id, *k)) lower_map(builder, id, *k, npu::Mul{});
        return;
    }
    ValueId a = graph.input(id, 0), b = graph.input(id, 1);
    if (a == b) builder.decline("NPU_SQUARE", fmt::format("`{}` times itself", builder.name(a)));
    const Dims& out = builder.dims(graph.output(id));
    if (builder.dims(a) != out) std::swap(a, b);
    const Dims &full = builder.dims(a), &factor = builder.dims(b);
    const std::string actual = fmt::format("{} times {}", to_string(full), to_string(factor));
    if (full != out || factor.size() != out.size()) builder.decline("NPU_BROADCAST", actual);
    Dims gate = full;
    gate[1] = 1;
    if (factor != full && factor != gate)
        builder.decline(factor[1] == full[1] && full[1] > 1 ? "NPU_MUL_CHANNELS" : "NPU_BROADCAST", actual);
    const npu::TensorId first = builder.require_channels_last(a);
    const npu::TensorId second = builder.require_channels_last(b);
    builder.add_channels_last(id, {npu::Mul{}, {first, second}}, graph.output(id));
}

void lower_batch_norm(Builder& builder, NodeId id) {
    // y = (x - mean) * k + beta,  k = gamma / sqrt(variance + epsilon)
    const Graph& graph = builder.graph;
    const float epsilon = graph::float_attribute(graph.node(id), "epsilon", 1e-5F);
    std::vector<std::vector<float>> numbers;  // gamma, beta, mean, variance
    for (size_t i = 1; i < 5; ++i) {
        const auto given = builder.constant(graph.input(id, i));
        if (!given) builder.decline("NPU_RUN_TIME_WEIGHTS", "its statistics, computed at run time");
        numbers.push_back(*given);
    }
    const size_t channels = static_cast<size_t>(builder.dims(graph.input(id, 0))[1]);
    for (const auto& one : numbers)
        if (one.size() != channels)
            builder.decline("NPU_ATTRIBUTE", fmt::format("{} statistics for {} channels", one.size(), channels));
    std::vector<float> scale(channels), offset(channels);
    for (size_t c = 0; c < channels; ++c) {
        const double k = numbers[0][c] / std::sqrt(static_cast<double>(numbers[3][c]) + epsilon);
        scale[c] = static_cast<float>(k);
        offset[c] = static_cast<float>(numbers[1][c] - numbers[2][c] * k);
    }
    add_per_channel(builder, id, graph.input(id, 0), graph.output(id), std::move(scale), std::move(offset));
}

void lower_neg(Builder& builder, NodeId id) {
    const ValueId x = builder.graph.input(id, 0);
    const size_t channels = static_cast<size_t>(builder.dims(x)[1]);
    add_per_channel(builder, id, x, builder.graph.output(id), std::vector<float>(channels, -1.0F),
                    std::vector<float>(channels, 0.0F));
}

}  // namespace calotype::lower
