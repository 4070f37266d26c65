#pragma once

// Scale and zero point of every tensor.

#include <optional>
#include <vector>

#include "quantize/ingredients.hpp"
#include "quantize/scale_classes.hpp"
#include "quantize/statistics.hpp"

namespace calotype::quantize {

struct Scales {
    std::vector<npu::Quantization> tensors;  ///< by TensorId; one entry, or one a channel
    std::vector<bool> whole_numbers;         ///< by network input: scale 1, the samples are whole numbers of one byte
};

/// What one byte holds, [0, 255] or [-128, 127], where a network input's samples are whole numbers within it, and
/// not of a few values only.
std::optional<Range> byte_range(const TensorStatistics& tensor);

/// The samples' ranges, widened by channel and by headroom, within what the writer's clamp lets pass.
Scales choose_scales(const npu::FloatNetwork& network, const ScaleClasses& classes, const Statistics& statistics,
                     const Calibration& calibration, const Ingredients& ingredients, ThreadPool& pool);

/// Grows the scales, class by class, until every Add and piecewise-linear layer can be computed (docs/arithmetic.md,
/// Arithmetic).
void settle(const npu::FloatNetwork& network, const ScaleClasses& classes, Scales& scales);

/// One entry where all channels have the same.
void compress(npu::Quantization& quantization);

}  // namespace calotype::quantize
