#pragma once

// Plain loops: the definition of every layer. Each takes the whole layer; `run` of a prepared layer calls them.

#include <cstdint>
#include <memory>
#include <span>

#include "emulate/layer_view.hpp"
#include "emulate/prepared_layer.hpp"

namespace calotype::emulate::reference {

using Inputs = std::span<const int8_t* const>;

// conv.cpp
void convolution(const LayerView& view, Inputs inputs, int8_t* output);
void fully_connected(const LayerView& view, Inputs inputs, int8_t* output);
// pool.cpp
void pool(const LayerView& view, Inputs inputs, int8_t* output);
// elementwise.cpp
void add(const LayerView& view, Inputs inputs, int8_t* output);
void mul(const LayerView& view, Inputs inputs, int8_t* output);
void requantize(const LayerView& view, Inputs inputs, int8_t* output);
// move.cpp
void concat(const LayerView& view, Inputs inputs, int8_t* output);
void pad(const LayerView& view, Inputs inputs, int8_t* output);
void crop(const LayerView& view, Inputs inputs, int8_t* output);
void upsample(const LayerView& view, Inputs inputs, int8_t* output);
void space_to_depth(const LayerView& view, Inputs inputs, int8_t* output);
void channel_reorder(const LayerView& view, Inputs inputs, int8_t* output);
void reshape(const LayerView& view, Inputs inputs, int8_t* output);

/// Takes every layer.
std::unique_ptr<PreparedLayer> prepare(const LayerView& view);

}  // namespace calotype::emulate::reference
