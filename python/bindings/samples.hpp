#pragma once

#include <memory>

#include "arrays.hpp"
#include "calotype/compile.hpp"

namespace calotype::python {

/// Samples given as a sequence of dicts of arrays, or as the path of an .npz, .npy or folder.
std::unique_ptr<Samples> samples_of(nb::handle samples, const std::filesystem::path& model, const Limits& limits,
                                    const std::string& npu);

}  // namespace calotype::python
