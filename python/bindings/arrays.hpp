#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>  // without it std::string would be cast as a bound class: std::bad_cast

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "calotype/port.hpp"

namespace calotype::python {

namespace nb = nanobind;

/// A NumPy array, kept alive beside the view of its bytes, or its strings.
struct Array {
    nb::object owner;
    std::vector<std::string> strings;
    TensorView view;
};

/// Any array-like, C-contiguous; numbers are copied only where its layout asks for it. Types that the package ml_dtypes
/// gives NumPy are known by their names. Throws Error INPUT_TYPE for what is neither numbers nor strings; `name` names it.
Array array_of(nb::handle value, const std::string& name);

/// The arrays that a value given for an input holds, by name (calotype/kind.hpp): the value itself where the input is a
/// tensor, the items of a list, nothing of None for an optional. Throws Error INPUT_TYPE as array_of does, and where the
/// value is of another kind.
std::vector<std::pair<std::string, Array>> arrays_of(nb::handle value, const std::string& name, DataType type,
                                                     Kind kind);

/// A NumPy array that owns the tensor's bytes; of objects where they are strings. Types that NumPy lacks are unsigned
/// integers of their codes: bfloat16 uint16, narrower ones uint8.
nb::object numpy_of(Tensor tensor);

/// An output as arrays_of takes an input: an array, a list of arrays, or None. Takes the tensors it holds out of
/// `tensors`.
nb::object value_of(std::map<std::string, Tensor>& tensors, const std::string& name, Kind kind);

}  // namespace calotype::python
