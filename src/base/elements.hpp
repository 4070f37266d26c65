#pragma once

// Elements copied and moved, whether bytes or strings.

#include <algorithm>
#include <cstring>
#include <iterator>

#include "calotype/port.hpp"

namespace calotype {

/// Elements of the view from `first` on that fill `dims`: no copy.
TensorView part_of(const TensorView& view, Dims dims, int64_t first);

Tensor copy_of(const TensorView& view);

/// Puts the elements of `from` over those of `to` from element `first` on; both have one type.
void put(const TensorView& from, Tensor& to, int64_t first);

/// Of memory that one element takes, here and in ONNX Runtime; a string's own bytes come on top.
int64_t held_bytes_of(DataType type);

/// Of the elements themselves, each string's own included.
int64_t content_bytes(const Tensor& tensor);

/// A tensor whose element i is element from(i) of another.
template <class From>
Tensor picked(const Tensor& tensor, Dims dims, From from) {
    Tensor out(tensor.type(), std::move(dims));
    const auto size = static_cast<size_t>(bytes_of(tensor.type()));
    for (int64_t i = 0; i < out.elements(); ++i) {
        const auto at = static_cast<size_t>(i), source = static_cast<size_t>(from(i));
        if (size > 0)
            std::memcpy(out.bytes().data() + at * size, tensor.bytes().data() + source * size, size);
        else
            out.strings()[at] = tensor.strings()[source];
    }
    return out;
}

}  // namespace calotype
