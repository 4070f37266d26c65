#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace calotype::samples {

/// Pixels of a picture, row by row, channels last.
template <class Pixel>
struct ImageOf {
    int64_t height = 0, width = 0, channels = 3;
    std::vector<Pixel> pixels;  ///< in [0, 255]
};
using Image = ImageOf<uint8_t>;  ///< as it is decoded: a quarter of the memory that reals would take
using RealImage = ImageOf<float>;

/// Decodes a JPEG or PNG into RGB, or into luminance where `gray`. A PNG's values are those that OpenCV reads: the high
/// byte of 16 bits, neither gamma nor alpha applied.
/// Throws Error FILE_*, IMAGE_BROKEN, IMAGE_COLORS, IMAGE_TOO_LARGE.
Image read_image(const std::filesystem::path& path, bool gray);

/// Bilinear, pixel centres at halves; when it shrinks, the triangle is widened by the factor, so that every pixel
/// counts.
RealImage resize(const Image& image, int64_t height, int64_t width);

}  // namespace calotype::samples
