#pragma once

// Explicit Requantize layers where one scale for all would cost a reader that does not need it.

#include <optional>

#include "quantize/scale_classes.hpp"
#include "quantize/scales.hpp"
#include "quantize/statistics.hpp"

namespace calotype::quantize {

/// A network with Requantize layers, and its statistics. Their outputs are tensors behind the network's own, which hold
/// the same values.
struct Separated {
    npu::FloatNetwork network;
    Statistics statistics;
};

/// A network's output, a Concat along another axis than the channels and a Reshape under other channel counts ask for
/// equal scales. Mostly what they read can be written in them at once: nobody loses, and nothing is rounded twice. A
/// Requantize layer stands before them only where a tensor that somebody else reads would be coded so much wider that
/// its rounding noise grows more than fourfold (one bit), where an input of whole numbers would leave its one byte, or
/// where a quantized model states different scales of what is moved and where it is moved to. Empty where there is no such place.
std::optional<Separated> separate_scales(const npu::FloatNetwork& network, const Statistics& statistics,
                                         bool per_channel);

/// Where an input of whole numbers lost the scale 1 that was chosen, because a piecewise-linear layer in its class cannot write so finely
/// beside its other channels: a Requantize layer before those that only move it. Empty where none did.
std::optional<Separated> keep_bytes(const npu::FloatNetwork& network, const Statistics& statistics,
                                    const Scales& chosen, const Scales& settled);

/// A Requantize layer of `input` at this place in the layers, and its statistics; nobody reads its output yet.
npu::TensorId insert_requantize(Separated& separated, npu::TensorId input, size_t before);

/// The tensors of the network that was quantized: `from`'s and those that Requantize layers added.
std::vector<npu::FloatTensor> tensors_of(const npu::FloatNetwork& from, const npu::Network& network);

}  // namespace calotype::quantize
