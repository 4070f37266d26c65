#include "graph/linear_quantization.hpp"

#include <cmath>

namespace calotype::graph {
namespace {

bool is(const Graph& graph, NodeId id, std::string_view op) {
    return id != NodeId::none && graph.node(id).op == op && graph.node(id).domain.empty();
}

/// The one element of a constant.
std::optional<Tensor> one(const Graph& graph, ValueId id) {
    if (!graph.is_constant(id) || graph.value(id).constant->elements() != 1) return {};
    return graph.value(id).constant;
}

bool holds_codes(DataType type) {
    return type == DataType::int8 || type == DataType::uint8 || type == DataType::int16 || type == DataType::uint16;
}

}  // namespace

double LinearQuantization::least() const {
    return type == DataType::int8 ? -128 : type == DataType::int16 ? -32768 : 0;
}
double LinearQuantization::most() const {
    return least() + (type == DataType::int8 || type == DataType::uint8 ? 255 : 65535);
}

bool is_quantize(const Graph& graph, NodeId id) { return is(graph, id, "QuantizeLinear"); }
bool is_dequantize(const Graph& graph, NodeId id) { return is(graph, id, "DequantizeLinear"); }

std::optional<LinearQuantization> linear_quantization(const Graph& graph, NodeId id) {
    const bool quantizes = is_quantize(graph, id);
    if (!quantizes && !is_dequantize(graph, id)) return {};
    const ValueId codes = quantizes ? graph.output(id) : graph.input(id, 0);
    const auto scale = one(graph, graph.input(id, 1));
    if (!scale || scale->type() != DataType::float32) return {};
    LinearQuantization stated;
    stated.scale = scale->values<float>()[0];
    if (!std::isfinite(stated.scale) || !(stated.scale > 0)) return {};
    // Without a zero point the codes are UINT8 (a QuantizeLinear) or of what is read; both are told by the value.
    stated.type = graph.value(codes).type.value_or(DataType::uint8);
    if (const ValueId given = graph.input(id, 2); given != ValueId::none) {
        const auto zero_point = one(graph, given);
        if (!zero_point) return {};
        stated.type = zero_point->type();
        if (holds_codes(stated.type)) stated.zero_point = to_int64s(*zero_point).front();
    }
    if (!holds_codes(stated.type)) return {};
    return stated;
}

}  // namespace calotype::graph
