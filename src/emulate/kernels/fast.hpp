#pragma once

#include <memory>

#include "emulate/layer_view.hpp"
#include "emulate/prepared_layer.hpp"

// Each returns null for a layer that it leaves to the reference (or where the processor's kind has no such kernels).
namespace calotype::emulate::avx2 {
std::unique_ptr<PreparedLayer> prepare(const LayerView& view);
}
namespace calotype::emulate::avx512 {
std::unique_ptr<PreparedLayer> prepare(const LayerView& view);
}
/// Layers that move codes by whole stretches; any processor.
namespace calotype::emulate::moves {
std::unique_ptr<PreparedLayer> prepare(const LayerView& view);
}
