#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/tensor.hpp"

namespace calotype::samples {

/// An input of the model as a sample must match it: -1 is a free dim. The first dim is the batch where `dims` has one.
struct InputSpec {
    std::string name;
    DataType type = DataType::float32;
    Dims dims;
};

enum class Layout { nchw, nhwc };
enum class Channels { rgb, bgr, gray };

/// How a folder of images becomes the model's one input: x = (pixel - mean[c]) / std[c], pixel in [0, 255].
struct ImageOptions {
    std::vector<double> mean;                      ///< one or one a channel; empty: 0
    std::vector<double> std;                       ///< one or one a channel; empty: 1
    std::optional<std::array<int64_t, 2>> resize;  ///< height, width; empty: the model's, else the image's own
    std::optional<Layout> layout;                  ///< empty: read off the model's input
    std::optional<Channels> channels;              ///< empty: gray for an input of one channel, else rgb
};

/// The samples of a path, in order (folders: by file name), one in memory at a time.
class Source {
  public:
    ~Source();
    Source(Source&&) noexcept;
    Source& operator=(Source&&) noexcept;

    int64_t count() const;
    /// The model's inputs by name, each with the model's batch (1 where it is free).
    std::map<std::string, Tensor> at(int64_t index) const;
    /// Of names, types, dims and bytes of every sample and the image options: equal for equal samples.
    std::string sha256() const;

    struct Impl;
    explicit Source(std::unique_ptr<Impl> impl);

  private:
    std::unique_ptr<Impl> impl_;
};

/// Opens an .npz, a .npy (model with one input), a folder of those, or a folder of .jpg, .jpeg and .png images.
/// Names, types and shapes of all arrays are checked here, before any is used. Throws Error FILE_*, SAMPLE_*, NPY_*,
/// NPZ_*, IMAGE_*.
Source open(const std::filesystem::path& path, std::vector<InputSpec> inputs, const ImageOptions& options = {});

}  // namespace calotype::samples
