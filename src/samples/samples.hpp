#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/tensor.hpp"
#include "calotype/compile.hpp"

namespace calotype::samples {

/// An input of the model as a sample must match it; -1 is a free dim. Axis 0 is the batch.
struct InputSpec {
    std::string name;
    DataType type = DataType::float32;
    Dims dims;
    Boundary boundary = Boundary::plain;  ///< of a snapshot's input
    Kind kind = Kind::tensor;             ///< of another kind: `type` is that of the tensors it holds
    bool whole = false;         ///< of a model with inputs that are no tensors: an array is one sample, axis 0 no batch
    bool may_be_empty = false;  ///< an array without samples, where the batch is free, is one to run
};

std::vector<InputSpec> specs_of(const std::vector<PortInfo>& inputs, bool may_be_empty = false);

enum class Layout { nchw, nhwc };
enum class Channels { rgb, bgr, gray };

/// How a folder of images becomes the model's one input: x = (pixel - mean[c]) / std[c], pixel in [0, 255].
struct ImageOptions {
    std::vector<double> mean;                      ///< one, or one a channel; empty: 0
    std::vector<double> std;                       ///< one, or one a channel; empty: 1
    std::optional<std::array<int64_t, 2>> resize;  ///< height, width; empty: the model's, the image's own where free
    std::optional<Layout> layout;                  ///< empty: read off the model's input
    std::optional<Channels> channels;              ///< empty: gray for an input of one channel, else rgb
};

/// A place samples come from. `at` may be called from several threads.
class Reader {
  public:
    virtual ~Reader() = default;
    virtual int64_t count() const = 0;
    virtual std::map<std::string, Tensor> at(int64_t index) const = 0;
    virtual std::string name_of(int64_t index) const = 0;
    /// Names of arrays that are no input of the model.
    virtual std::set<std::string> left_out() const { return {}; }
    /// What a file that is made of this sample can be called: its own file's name, or its number.
    virtual std::string stem(int64_t index) const = 0;
};

/// "000012".
std::string numbered(int64_t index);
/// The names of files without what stands behind the dot, where those differ; else whole.
std::vector<std::string> stems_of(const std::vector<std::filesystem::path>& files);

/// The samples of a path, in order (folders: by file name), one in memory at a time.
class Source : public Samples {
  public:
    Source(std::unique_ptr<Reader> reader, std::map<std::string, std::string> preprocessing);

    int64_t count() const override { return reader_->count(); }
    /// The model's inputs by name, each with the model's batch (1 where it is free).
    std::map<std::string, Tensor> at(int64_t index) const override;
    std::string stem(int64_t index) const { return reader_->stem(index); }
    /// Of names, types, dims and bytes of every sample: equal for equal samples, however they are stored.
    std::string sha256() const override;
    std::string name_of(int64_t index) const override { return reader_->name_of(index); }
    std::vector<std::string> notes() const override;
    std::map<std::string, std::string> preprocessing() const override { return preprocessing_; }

  private:
    std::unique_ptr<Reader> reader_;
    std::map<std::string, std::string> preprocessing_;
};

/// Opens an .npz (keys are input names), a .npy (model with one input), a folder of those, or a folder of .jpg, .jpeg
/// and .png images. Names, types and shapes of all arrays are checked here; what an .npz holds beside the inputs is
/// left out. What is no tensor is there as the tensors it holds (calotype/kind.hpp), and such a file holds one sample.
/// An array [S, ...] whose other axes match gives S samples; a fixed model batch b takes b at a time; an
/// array of one axis more than the input holds whole inputs. Throws Error FILE_*, SAMPLE_*, INPUT_TYPE, NPY_*, NPZ_*,
/// IMAGE_*.
Source open(const std::filesystem::path& path, const std::vector<InputSpec>& inputs, const ImageOptions& options = {});

/// The hash that Source::sha256 gives, of any samples.
std::string sha256_of(const Samples& samples);

/// The input that an array of this name feeds, whole or as one of a sequence's elements; null where none is fed.
const InputSpec* input_of(const std::string& array, const std::vector<InputSpec>& inputs);

/// The dims one sample's array for the input has with the model's batch. Throws Error INPUT_TYPE, SAMPLE_SHAPE;
/// SAMPLE_COUNT where the array holds several samples.
Dims dims_of_one(const Dims& found, DataType type, const InputSpec& input, const std::string& subject);

/// Throws Error SAMPLE_NAME: a sample has no array for the input, but perhaps one of a similar name.
[[noreturn]] void missing_input(const std::string& input, const std::set<std::string>& left_out,
                                const std::vector<InputSpec>& inputs, const std::string& subject);

/// What to tell of arrays that are no input of the model; nothing where there are none.
std::vector<std::string> left_out_notes(const std::set<std::string>& names);

/// The readers behind `open`.
std::unique_ptr<Reader> open_arrays(const std::filesystem::path& path, const std::vector<InputSpec>& inputs);
std::unique_ptr<Reader> open_images(std::vector<std::filesystem::path> files, const std::vector<InputSpec>& inputs,
                                    const ImageOptions& options);

}  // namespace calotype::samples
