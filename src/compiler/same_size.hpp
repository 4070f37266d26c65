#pragma once

#include <optional>
#include <string>

#include "compiler/front.hpp"

namespace calotype::compiler {

/// A value that stands where part `index` can read it, and whose height and width are those of a value of the file at every
/// size: itself, or what lies an activation, a batch normalization or a convolution that keeps the size away from it.
std::optional<std::string> value_at_hand(const Front& front, size_t index, graph::ValueId of_file);

/// The tensor of an NPU part whose height and width are those of a value [N, C, H, W] of the file, likewise.
std::optional<npu::TensorId> tensor_as_large(const Front& front, const npu::FloatNetwork& network,
                                             graph::ValueId of_file);

/// That value in the part's graph; an input of the part, and an output of an earlier one, from now on where it was none.
graph::ValueId bring_into_part(Front& front, size_t index, const std::string& value);

}  // namespace calotype::compiler
