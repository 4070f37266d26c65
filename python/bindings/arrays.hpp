#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>  // without it std::string would be cast as a bound class: std::bad_cast

#include "calotype/port.hpp"

namespace calotype::python {

namespace nb = nanobind;

/// A NumPy array, kept alive beside the view of its bytes.
struct Array {
    nb::object owner;
    TensorView view;
};

/// Any array-like, C-contiguous; copied only where its layout asks for it. Throws Error INPUT_TYPE for a type without
/// numbers; `name` names it.
Array array_of(nb::handle value, const std::string& name);

/// A NumPy array that owns the tensor's bytes.
nb::object numpy_of(Tensor tensor);

}  // namespace calotype::python
