#pragma once

// The end of an NPU subgraph at another height or width than it was compiled for.

#include <optional>

#include "npu/layer.hpp"

namespace calotype::execute {

/// A placement and its tensor's shape, of one size.
struct End {
    npu::Placement placement;
    Dims shape;  ///< of the tensor, per sample
};

/// The end where its value has these dims, the batch in front. Nothing where the order of its axes holds a size: an
/// axis of one is split over several of the other, or an axis of size 1 grew.
std::optional<End> resized_to_dims(const End& end, const Dims& dims);

/// The same where its tensor has this shape.
std::optional<End> resized_to_shape(const End& end, const Dims& shape);

/// Whether an array of these dims is the placement's value: the same dims, or the same elements under another rank.
bool holds(const npu::Placement& placement, const Dims& dims);

}  // namespace calotype::execute
