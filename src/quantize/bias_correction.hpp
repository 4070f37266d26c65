#pragma once

// Biases that undo the mean error of rounded weights and inputs.

#include <span>

#include "quantize/codes.hpp"
#include "quantize/statistics.hpp"

namespace calotype::quantize {

/// Bias of each output channel with which the mean of the sum, on what the layer really reads, is FP32's `sum_mean`.
std::vector<double> bias_before_activation(const npu::Layer& layer, std::span<const npu::CodeTensor> tensors,
                                           const InputMoments& read, std::span<const double> sum_mean);

/// One step further: the bias moved by what the mean after the activation still lacks, over the share of codes that a
/// bias moves at all.
std::vector<double> bias_after_activation(const npu::Layer& layer, std::span<const npu::CodeTensor> tensors,
                                          const CodeMeans& wrote, std::span<const double> output_mean);

}  // namespace calotype::quantize
