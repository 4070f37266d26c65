#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "calotype/kind.hpp"
#include "calotype/tensor.hpp"

namespace calotype {

/// How an input of a snapshot becomes codes, or its codes become an output.
enum class Boundary : uint8_t {
    quantized,  ///< reals in [lo, hi] of the scale: code = RNE(x / scale) + zero point
    uint8,      ///< whole numbers in [0, 255], carried as code = x - 128
    int8,       ///< whole numbers in [-128, 127], coefficient 1
    plain,      ///< read or written by a CPU subgraph in its own type: no codes
};
std::string name_of(Boundary boundary);

/// An input or output of a model or snapshot.
struct PortInfo {
    std::string name;
    DataType type = DataType::float32;
    Dims dims;  ///< -1 where free; axis 0 is the batch
    Boundary boundary = Boundary::plain;
    float scale = 0;  ///< 0 where plain
    int32_t zero_point = 0;
    Kind kind = Kind::tensor;  ///< of another kind: `type` is that of the tensors it holds, `dims` are empty
};

/// Bytes or strings somebody else owns, seen as a dense row-major array.
struct TensorView {
    DataType type = DataType::float32;
    Dims dims;
    const std::byte* bytes = nullptr;
    const std::string* strings = nullptr;  ///< in place of the bytes, of the type string

    TensorView() = default;
    TensorView(DataType type_, Dims dims_, const std::byte* bytes_)
        : type(type_), dims(std::move(dims_)), bytes(bytes_) {}
    TensorView(Dims dims_, const std::string* strings_)
        : type(DataType::string), dims(std::move(dims_)), strings(strings_) {}
    TensorView(const Tensor& tensor)
        : type(tensor.type()), dims(tensor.dims()), bytes(tensor.bytes().data()), strings(tensor.strings().data()) {}
};

}  // namespace calotype
