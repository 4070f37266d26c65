// Samples out of pictures: decoded, resized, normalized and laid out as the model's one input.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>

#include "base/error.hpp"
#include "samples/image.hpp"
#include "samples/samples.hpp"

namespace calotype::samples {
namespace {

namespace fs = std::filesystem;

/// The input's shape as pictures see it; -1 is free.
struct Frame {
    Layout layout = Layout::nchw;
    int64_t channels = 3, height = -1, width = -1;
};

[[noreturn]] void no_picture(const InputSpec& input, const std::string& fact) {
    throw Error(
        {"IMAGE_INPUT", fmt::format("input `{}`", input.name), fact, "save the samples as arrays in an .npz instead"});
}

bool is_channels(int64_t dim) { return dim == 1 || dim == 3; }

Frame frame_of(const InputSpec& input, const ImageOptions& options) {
    if (input.dims.size() != 4) {
        no_picture(input, fmt::format("images need an input of 4 axes, it has {}", input.dims.size()));
    }
    if (input.type != DataType::float32 && input.type != DataType::uint8) {
        no_picture(input, fmt::format("images become float32 or uint8, it takes {}", name_of(input.type)));
    }
    if (input.dims[0] > 1) no_picture(input, fmt::format("images go one at a time, its batch is {}", input.dims[0]));
    const Dims& dims = input.dims;
    Frame frame;
    frame.layout = options.layout.value_or(!is_channels(dims[1]) && is_channels(dims[3]) ? Layout::nhwc : Layout::nchw);
    const bool nchw = frame.layout == Layout::nchw;
    frame.channels = nchw ? dims[1] : dims[3];
    frame.height = nchw ? dims[2] : dims[1];
    frame.width = nchw ? dims[3] : dims[2];
    // Where the model leaves the sizes free, a layout that does not fit would make the channels a height.
    if (frame.channels < 0 && is_channels(nchw ? dims[3] : dims[1]))
        no_picture(input, fmt::format("its shape is {}, with its {} channels {}; --layout {} looks for them {}",
                                      to_string(dims), nchw ? dims[3] : dims[1], nchw ? "last" : "first",
                                      nchw ? "nchw" : "nhwc", nchw ? "first" : "last"));
    if (frame.channels < 0) frame.channels = options.channels == Channels::gray ? 1 : 3;
    if (!is_channels(frame.channels) ||
        (options.channels && (*options.channels == Channels::gray) != (frame.channels == 1))) {
        no_picture(input, fmt::format("it takes {} channels, which images do not give so", frame.channels));
    }
    if (!options.resize) return frame;
    const auto [height, width] = *options.resize;
    if ((frame.height > 0 && frame.height != height) || (frame.width > 0 && frame.width != width)) {
        no_picture(input,
                   fmt::format("--resize gives {} x {}, it takes {} x {}", height, width, frame.height, frame.width));
    }
    frame.height = height;
    frame.width = width;
    return frame;
}

std::vector<double> per_channel(const std::vector<double>& values, double otherwise, int64_t channels,
                                const std::string& option) {
    const auto wanted = static_cast<size_t>(channels);
    if (values.empty()) return std::vector<double>(wanted, otherwise);
    if (values.size() == 1) return std::vector<double>(wanted, values[0]);
    if (values.size() == wanted) return values;
    throw Error({"IMAGE_OPTION", fmt::format("`{}`", option),
                 fmt::format("it has {} values for {} channels", values.size(), channels),
                 "give one, or one a channel"});
}

class Images : public Reader {
  public:
    Images(std::vector<fs::path> files, const InputSpec& input, const ImageOptions& options)
        : files_(std::move(files)), stems_(stems_of(files_)), input_(input), frame_(frame_of(input, options)) {
        mean_ = per_channel(options.mean, 0.0, frame_.channels, "--mean");
        std_ = per_channel(options.std, 1.0, frame_.channels, "--std");
        if (std::any_of(std_.begin(), std_.end(), [](double value) { return !(value > 0); })) {
            throw Error({"IMAGE_OPTION", "`--std`", "it is not above 0"});
        }
        bgr_ = options.channels == Channels::bgr;
    }
    int64_t count() const override { return static_cast<int64_t>(files_.size()); }
    std::string name_of(int64_t index) const override {
        return fmt::format("`{}`", files_[static_cast<size_t>(index)].string());
    }
    std::string stem(int64_t index) const override { return stems_[static_cast<size_t>(index)]; }

    std::map<std::string, Tensor> at(int64_t index) const override {
        {
            const std::lock_guard lock(mutex_);
            if (const auto kept = kept_.find(index); kept != kept_.end()) return {{input_.name, kept->second}};
        }
        Tensor tensor = made(index);
        const std::lock_guard lock(mutex_);
        const auto bytes = static_cast<int64_t>(tensor.bytes().size());
        if (bytes <= left_bytes_ && kept_.emplace(index, tensor).second) left_bytes_ -= bytes;
        return {{input_.name, std::move(tensor)}};
    }

  private:
    Tensor made(int64_t index) const {
        const Image image = read_image(files_[static_cast<size_t>(index)], frame_.channels == 1);
        const int64_t height = frame_.height > 0 ? frame_.height : image.height;
        const int64_t width = frame_.width > 0 ? frame_.width : image.width;
        if (height == image.height && width == image.width) return laid_out(image);
        return laid_out(resize(image, height, width));
    }

    template <class Pixel>
    Tensor laid_out(const ImageOf<Pixel>& image) const {
        const bool nchw = frame_.layout == Layout::nchw;
        Tensor tensor(input_.type, nchw ? Dims{1, image.channels, image.height, image.width}
                                        : Dims{1, image.height, image.width, image.channels});
        if (input_.type == DataType::float32)
            lay_out(image, tensor.values<float>(), [](float x) { return x; });
        else
            lay_out(image, tensor.values<uint8_t>(),
                    [](float x) { return static_cast<uint8_t>(std::nearbyint(std::clamp(x, 0.0f, 255.0f))); });
        return tensor;
    }

    template <class Pixel, class T, class Convert>
    void lay_out(const ImageOf<Pixel>& image, std::span<T> values, Convert convert) const {
        const bool nchw = frame_.layout == Layout::nchw;
        const int64_t area = image.height * image.width, channels = image.channels;
        for (int64_t c = 0; c < channels; ++c) {
            const int64_t from = bgr_ ? channels - 1 - c : c;
            const auto i = static_cast<size_t>(c);
            for (int64_t p = 0; p < area; ++p) {
                const double x = (image.pixels[static_cast<size_t>(p * channels + from)] - mean_[i]) / std_[i];
                values[static_cast<size_t>(nchw ? c * area + p : p * channels + c)] = convert(static_cast<float>(x));
            }
        }
    }

    std::vector<fs::path> files_;
    std::vector<std::string> stems_;
    InputSpec input_;
    Frame frame_;
    std::vector<double> mean_, std_;
    bool bgr_ = false;
    // A compilation goes over its samples about ten times, and decoding costs more than the rest of small networks. The
    // first that fit stay: passes go in order, so keeping the latest would keep none of use.
    mutable std::mutex mutex_;
    mutable std::map<int64_t, Tensor> kept_;
    mutable int64_t left_bytes_ = int64_t{64} << 20;
};

}  // namespace

std::unique_ptr<Reader> open_images(std::vector<fs::path> files, const std::vector<InputSpec>& inputs,
                                    const ImageOptions& options) {
    if (inputs.size() != 1) {
        throw Error({"IMAGE_INPUT", "a folder of images",
                     fmt::format("it feeds one input, the model has {}", inputs.size()),
                     "save the samples as arrays in an .npz instead"});
    }
    return std::make_unique<Images>(std::move(files), inputs.front(), options);
}

}  // namespace calotype::samples
