#pragma once

#include <map>
#include <string>

#include "npu/layer.hpp"

namespace calotype::sketch {

/// The definition of a FloatNetwork in plain loops: reads and writes values as ONNX sees them (batch 1).
std::map<std::string, Tensor> run(const npu::FloatNetwork& network, const std::map<std::string, Tensor>& inputs);

}  // namespace calotype::sketch
