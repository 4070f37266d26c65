#pragma once

// What a layer keeps of a quantized model's own numbers.

#include <optional>
#include <string>

#include "npu/arithmetic.hpp"
#include "quantize/scale_classes.hpp"
#include "quantize/scales.hpp"

namespace calotype::quantize {

struct OwnWeights {
    npu::QuantizedWeights numbers;
    bool clipped = false;  ///< a code -128 became -127, the least that a weight can be
};

/// Weights and biases as the model holds them: the finest codes, at most 127, of which every weight is a multiple, row by
/// row. Nothing where a row has none: it was no INT8 row, or had a zero point. A row is known by its reals, so a change
/// of layout or a factor a channel that was folded in do not hide it.
std::optional<OwnWeights> own_weights(const npu::FloatLayer& layer, std::span<const npu::CodeTensor> tensors);

/// What a layer is made of where the model states the scales of all that it reads and writes.
struct OwnNumbers {
    std::optional<npu::QuantizedWeights> weights{};  ///< the model's, where the layer has any and they fit
    bool own = false;                                ///< all is as the model states it
    std::string anew{};                              ///< why not; empty too where the model does not state all scales
};
OwnNumbers own_numbers(const npu::FloatNetwork& network, const npu::FloatLayer& layer, const ScaleClasses& classes,
                       const Scales& scales, std::span<const npu::CodeTensor> tensors);

}  // namespace calotype::quantize
