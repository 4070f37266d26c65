#pragma once

// What every kernel is made from: a layer with the maps and quantizations of its tensors.

#include <vector>

#include "npu/layer.hpp"

namespace calotype::emulate {

struct LayerView {
    const npu::Layer* layer = nullptr;
    std::vector<npu::Map> in;
    npu::Map out;
    std::vector<Dims> in_shapes;
    Dims out_shape;
    std::vector<const npu::Quantization*> in_quantization;
    const npu::Quantization* out_quantization = nullptr;

    /// The output stage; a global average pool's is made here for the map's size.
    npu::OutputStage stage;

    int32_t zero_point(size_t input, int64_t channel) const { return in_quantization[input]->zero_point_of(channel); }
};

LayerView view_layer(const npu::Network& network, size_t layer, const std::vector<Dims>& shapes);

}  // namespace calotype::emulate
