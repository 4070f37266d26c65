#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "calotype/data_type.hpp"
#include "calotype/error.hpp"

namespace calotype {

using Dims = std::vector<int64_t>;

/// Product of `dims`; 1 for a scalar. Throws Error TENSOR_TOO_LARGE if a dim is negative or the product exceeds 2^60.
int64_t element_count(std::span<const int64_t> dims);

/// "[1, 3, 32, 32]"
std::string to_string(std::span<const int64_t> dims);

/// A dense row-major array that owns its elements: bytes, or, of the type string, strings.
class Tensor {
  public:
    Tensor() = default;
    /// Zero-filled; empty strings.
    Tensor(DataType type, Dims dims);
    Tensor(DataType type, Dims dims, std::vector<std::byte> bytes);
    Tensor(Dims dims, std::vector<std::string> strings);

    template <class T>
    static Tensor of(Dims dims, std::span<const T> values) {
        Tensor tensor(data_type_of<T>(), std::move(dims));
        CALOTYPE_ASSERT(tensor.elements() == static_cast<int64_t>(values.size()), "a tensor's values fill its dims");
        std::copy(values.begin(), values.end(), tensor.values<T>().begin());
        return tensor;
    }

    DataType type() const { return type_; }
    const Dims& dims() const { return dims_; }
    int64_t elements() const { return elements_; }
    std::span<const std::byte> bytes() const { return bytes_; }
    std::span<std::byte> bytes() { return bytes_; }
    /// UTF-8, each of any length; none of another type than string.
    std::span<const std::string> strings() const { return strings_; }
    std::span<std::string> strings() { return strings_; }

    /// The elements; T must be the tensor's own type.
    template <class T>
    std::span<const T> values() const {
        CALOTYPE_ASSERT(type_ == data_type_of<T>(), "a tensor is read in its own type");
        return {reinterpret_cast<const T*>(bytes_.data()), static_cast<size_t>(elements_)};
    }
    template <class T>
    std::span<T> values() {
        CALOTYPE_ASSERT(type_ == data_type_of<T>(), "a tensor is written in its own type");
        return {reinterpret_cast<T*>(bytes_.data()), static_cast<size_t>(elements_)};
    }

    /// The same elements under other dims of equal count.
    Tensor reshaped(Dims dims) const;

    friend bool operator==(const Tensor&, const Tensor&) = default;

  private:
    DataType type_ = DataType::float32;
    Dims dims_{0};
    int64_t elements_ = 0;
    std::vector<std::byte> bytes_;
    std::vector<std::string> strings_;
};

/// The elements as double, whatever numeric type they have (float16, bfloat16 and narrower ones included).
std::vector<double> to_doubles(const Tensor& tensor);

/// The elements as float32, each rounded once.
std::vector<float> to_floats(const Tensor& tensor);

/// The elements of an integer tensor. Throws Error TENSOR_TYPE for a float tensor.
std::vector<int64_t> to_int64s(const Tensor& tensor);

}  // namespace calotype
