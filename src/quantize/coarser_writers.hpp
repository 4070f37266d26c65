#pragma once

// Layers that cannot write as fine a scale as a quantized model states.

#include "quantize/requantize_layers.hpp"

namespace calotype::quantize {

/// An Add writes no scale below an eighth of an input's, a piecewise-linear layer none that its slopes would leave
/// (docs/arithmetic.md). Where the model states a finer one such a layer writes the finest it can, with the same zero
/// point, and a Requantize layer behind it the stated one: so the codes mean what the model says, and what its scale cuts
/// off is cut off. Empty where there is no such layer.
std::optional<Separated> write_coarser(const npu::FloatNetwork& network, const Statistics& statistics);

}  // namespace calotype::quantize
