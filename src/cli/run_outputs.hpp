#pragma once

// What `calotype run` writes: one array an output over all samples, or a folder with a file a sample.

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/tensor.hpp"

namespace calotype::cli {

/// An output that was written: its name, and its dims where all samples have the same.
struct Written {
    std::string name;
    Dims dims;
};

class Outputs {
  public:
    virtual ~Outputs() = default;
    /// How many samples one `add` may bring.
    virtual int64_t most_together() const = 0;
    /// Of the next sample or samples; `name` is the first one's. `whole`: of a model whose results are not cut into
    /// samples nor joined, as it has sequences or optionals.
    virtual void add(const std::string& name, std::map<std::string, Tensor> outputs, bool whole) = 0;
    /// Everything takes its place; without it nothing is left behind.
    virtual std::vector<Written> commit() = 0;
};

/// By the path: .npz or .npy (a model with one output) is a file, a path without an extension a folder. Throws Error
/// OPTION_VALUE, and OUTPUT_TAKEN where a folder holds anything but arrays.
std::unique_ptr<Outputs> open_outputs(const std::filesystem::path& path);

}  // namespace calotype::cli
