// QuantizeLinear and DequantizeLinear say which scale a tensor has: they are no layers.

#include <cmath>

#include "graph/linear_quantization.hpp"
#include "lower/families.hpp"

namespace calotype::lower {
namespace {

/// INT8 codes are the NPU's own, UINT8 ones lie 128 above them; 16 bits keep their range.
Stated as_int8(const graph::LinearQuantization& given) {
    const bool wide = given.most() - given.least() > 255;
    const double steps = wide ? 257 : 1;  // 65,535 = 257 * 255
    const double zero_point = std::nearbyint((static_cast<double>(given.zero_point) - given.least()) / steps) - 128;
    return {{{static_cast<float>(given.scale * steps)}, {static_cast<int32_t>(zero_point)}}, wide};
}

graph::LinearQuantization stated_by(const Builder& builder, NodeId id) {
    const auto stated = graph::linear_quantization(builder.graph, id);
    if (!stated) builder.decline("NPU_QUANTIZATION", "not one constant scale for the whole value, or other codes");
    return *stated;
}

}  // namespace

void lower_quantize(Builder& builder, NodeId id) {
    const graph::LinearQuantization stated = stated_by(builder, id);
    const ValueId x = builder.graph.input(id, 0);
    builder.dims(x);
    builder.quantize(id, x, builder.graph.output(id), as_int8(stated));
}

void lower_dequantize(Builder& builder, NodeId id) {
    const graph::LinearQuantization stated = stated_by(builder, id);
    const ValueId codes = builder.graph.input(id, 0), reals = builder.graph.output(id);
    builder.dims(reals);
    const NodeId maker = builder.graph.producer(codes);
    const auto made_with =
        graph::is_quantize(builder.graph, maker) ? graph::linear_quantization(builder.graph, maker) : std::nullopt;
    if (made_with && *made_with != stated)
        builder.decline("NPU_QUANTIZATION", "its codes were made under another scale");
    builder.dequantize(codes, reals, as_int8(stated));
}

}  // namespace calotype::lower
