#pragma once

#include <memory>

#include "base/data_type.hpp"
#include "ort/library.hpp"

struct OrtValue;

namespace calotype::ort {

/// A sequence of no tensors of that type. ONNX Runtime's C interface makes none; its operator SequenceEmpty does.
/// Throws Error ORT_RUN.
std::unique_ptr<OrtValue, void (*)(OrtValue*)> empty_sequence(const Library& library, DataType type);

}  // namespace calotype::ort
