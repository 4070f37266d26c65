#pragma once

#include <filesystem>
#include <string>

#include "base/tensor.hpp"
#include "onnx/protozero.hpp"

namespace calotype::onnx {

struct NamedTensor {
    std::string name;
    Tensor tensor;
};

/// A TensorProto; `folder` is where external data may lie. Throws Error ONNX_TENSOR.
NamedTensor read_tensor(protozero::pbf_reader message, const std::filesystem::path& folder);

}  // namespace calotype::onnx
