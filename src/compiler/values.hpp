#pragma once

#include "calotype/compile.hpp"
#include "compiler/front.hpp"
#include "quantize/quantize.hpp"

namespace calotype::compiler {

/// FP32 values of the samples for one NPU network, computed by ONNX Runtime. `samples` must outlive the result.
quantize::Values float_values(const Front& front, const npu::FloatNetwork& network, const Samples& samples);

}  // namespace calotype::compiler
