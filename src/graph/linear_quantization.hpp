#pragma once

// What QuantizeLinear and DequantizeLinear nodes state of a value.

#include <optional>

#include "graph/graph.hpp"

namespace calotype::graph {

/// real = scale * (code - zero_point), codes of `type`.
struct LinearQuantization {
    DataType type = DataType::int8;
    float scale = 1;
    int64_t zero_point = 0;
    double lo() const { return scale * (least() - static_cast<double>(zero_point)); }
    double hi() const { return scale * (most() - static_cast<double>(zero_point)); }
    double least() const;
    double most() const;
    friend bool operator==(const LinearQuantization&, const LinearQuantization&) = default;
};

bool is_quantize(const Graph& graph, NodeId id);
bool is_dequantize(const Graph& graph, NodeId id);

/// Of a QuantizeLinear or DequantizeLinear node whose scale and zero point are constants, one for the whole value, and
/// whose codes are integers of 8 or 16 bits; else nothing.
std::optional<LinearQuantization> linear_quantization(const Graph& graph, NodeId id);

}  // namespace calotype::graph
