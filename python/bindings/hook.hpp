#pragma once

#include <nanobind/nanobind.h>

namespace calotype::python {

/// What calotype.hook needs of the core beyond the public module.
void add_hook_parts(nanobind::module_& m);

}  // namespace calotype::python
