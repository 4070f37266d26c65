#pragma once

#include "onnx/read_parts.hpp"

namespace calotype::onnx {

/// A body's outputs count by their place: one that is an input as well, as TensorFlow's loops hand weights through, or
/// is given twice gets an Identity and a name of its own.
void name_outputs_apart(Model& body);

}  // namespace calotype::onnx
