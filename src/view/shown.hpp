#pragma once

// A tensor of the network as the view has it.

#include <functional>
#include <string>

#include "npu/layer.hpp"
#include "view/builder.hpp"

namespace calotype::view {

struct Shown {
    ValueId codes = ValueId::none, reals = ValueId::none;  ///< [N, C, ...]
};

/// QuantizeLinear or DequantizeLinear of [N, C, ...]; UINT8 codes lie 128 above the tensor's.
ValueId add_quantize_linear(Builder& builder, const std::string& name, ValueId x, const npu::Quantization& q,
                            DataType codes = DataType::int8);
ValueId add_dequantize_linear(Builder& builder, const std::string& name, ValueId codes, const npu::Quantization& q,
                              DataType type = DataType::int8);

/// The tensor's reals behind `move`, which only moves elements (Transpose, Reshape). Codes are moved where one scale
/// allows: ONNX Runtime 1.32 fails to load a model in which its optimizer puts a QuantizeLinear of INT8 behind such a
/// node, directly or past nodes that it removes (Identity, Cast to the same type), and then makes INT8 codes UINT8.
ValueId moved(Builder& builder, const std::string& name, const Shown& tensor, const npu::Quantization& q,
              const std::function<ValueId(ValueId)>& move);

}  // namespace calotype::view
