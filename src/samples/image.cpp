#include "samples/image.hpp"

#include <fmt/format.h>
#include <png.h>
#include <stdio.h>  // jpeglib.h needs FILE

#include <jerror.h>
#include <jpeglib.h>

#include <algorithm>
#include <cmath>
#include <csetjmp>
#include <cstring>
#include <string>

#include "base/error.hpp"
#include "base/file.hpp"

namespace calotype::samples {
namespace {

constexpr int64_t kFileLimitBytes = int64_t{1} << 28;
constexpr int64_t kPixelLimit = int64_t{1} << 24;

[[noreturn]] void broken(const std::string& subject, const std::string& fact) {
    throw Error({"IMAGE_BROKEN", subject, fact, "open it in a viewer, or leave it out"});
}

void check_size(int64_t height, int64_t width, const std::string& subject) {
    if (height > 0 && width > 0 && height <= kPixelLimit / width) return;
    throw Error({"IMAGE_TOO_LARGE", subject,
                 fmt::format("it has {} x {} pixels, at most {} are read", width, height, kPixelLimit),
                 "shrink it first"});
}

struct JpegFailure {
    jpeg_error_mgr manager;
    jmp_buf back;
    char text[JMSG_LENGTH_MAX];
};

void fail_jpeg(j_common_ptr codec) {
    auto* failure = reinterpret_cast<JpegFailure*>(codec->err);
    codec->err->format_message(codec, failure->text);
    longjmp(failure->back, 1);
}

/// Warnings: cameras write odd bytes that cost no pixel. A file that ends early would give gray ones.
void refuse_cut_jpeg(j_common_ptr codec, int level) {
    if (level < 0 && codec->err->msg_code == JWRN_JPEG_EOF) fail_jpeg(codec);
}

/// Decodes in two steps around `pixels`. Nothing in here has a destructor that longjmp would skip.
bool decode_jpeg(std::span<const std::byte> bytes, bool gray, Image& image, std::vector<uint8_t>& pixels,
                 JpegFailure& failure, void (*allocate)(Image&, std::vector<uint8_t>&)) {
    jpeg_decompress_struct codec;
    codec.err = jpeg_std_error(&failure.manager);
    failure.manager.error_exit = fail_jpeg;
    failure.manager.emit_message = refuse_cut_jpeg;
    if (setjmp(failure.back) != 0) {
        jpeg_destroy_decompress(&codec);
        return false;
    }
    jpeg_create_decompress(&codec);
    jpeg_mem_src(&codec, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    jpeg_read_header(&codec, TRUE);
    codec.out_color_space = gray ? JCS_GRAYSCALE : JCS_RGB;
    codec.dct_method = JDCT_ISLOW;
    image.height = codec.image_height;
    image.width = codec.image_width;
    allocate(image, pixels);
    if (pixels.empty()) {
        jpeg_destroy_decompress(&codec);
        return true;  // too large: the caller says so
    }
    jpeg_start_decompress(&codec);
    while (codec.output_scanline < codec.output_height) {
        JSAMPROW row = pixels.data() +
                       static_cast<size_t>(codec.output_scanline) * static_cast<size_t>(image.width * image.channels);
        jpeg_read_scanlines(&codec, &row, 1);
    }
    jpeg_finish_decompress(&codec);
    jpeg_destroy_decompress(&codec);
    return true;
}

void allocate_pixels(Image& image, std::vector<uint8_t>& pixels) {
    if (image.height <= kPixelLimit / std::max<int64_t>(image.width, 1)) {
        pixels.resize(static_cast<size_t>(image.height * image.width * image.channels));
    }
}

std::vector<uint8_t> read_jpeg(std::span<const std::byte> bytes, bool gray, Image& image, const std::string& subject) {
    std::vector<uint8_t> pixels;
    JpegFailure failure;
    if (!decode_jpeg(bytes, gray, image, pixels, failure, allocate_pixels)) broken(subject, failure.text);
    check_size(image.height, image.width, subject);
    return pixels;
}

std::vector<uint8_t> read_png(std::span<const std::byte> bytes, bool gray, Image& image, const std::string& subject) {
    png_image png{};
    png.version = PNG_IMAGE_VERSION;
    if (png_image_begin_read_from_memory(&png, bytes.data(), bytes.size()) == 0) broken(subject, png.message);
    image.height = png.height;
    image.width = png.width;
    png.format = gray ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
    if (image.height > kPixelLimit / std::max<int64_t>(image.width, 1)) png_image_free(&png);
    check_size(image.height, image.width, subject);
    std::vector<uint8_t> pixels(static_cast<size_t>(image.height * image.width * image.channels));
    const png_color black{0, 0, 0};
    if (png_image_finish_read(&png, &black, pixels.data(), 0, nullptr) == 0) broken(subject, png.message);
    return pixels;
}

/// The weights of the source pixels [first, first + weights.size()) in one target pixel.
struct Taps {
    int64_t first = 0;
    std::vector<float> weights;
};

std::vector<Taps> triangle_taps(int64_t from, int64_t to) {
    const double step = static_cast<double>(from) / static_cast<double>(to);
    const double reach = std::max(step, 1.0);
    std::vector<Taps> taps(static_cast<size_t>(to));
    for (int64_t i = 0; i < to; ++i) {
        const double centre = (static_cast<double>(i) + 0.5) * step;
        Taps& tap = taps[static_cast<size_t>(i)];
        tap.first = std::max<int64_t>(0, static_cast<int64_t>(centre - reach + 0.5));
        const int64_t end = std::min(from, static_cast<int64_t>(centre + reach + 0.5));
        double sum = 0;
        std::vector<double> weights;
        for (int64_t k = tap.first; k < end; ++k) {
            weights.push_back(std::max(0.0, 1.0 - std::abs((static_cast<double>(k) + 0.5 - centre) / reach)));
            sum += weights.back();
        }
        for (const double weight : weights) tap.weights.push_back(static_cast<float>(weight / sum));
    }
    return taps;
}

/// Resizes the middle axis of [outer, from, inner].
std::vector<float> resize_axis(const std::vector<float>& pixels, int64_t outer, int64_t from, int64_t to,
                               int64_t inner) {
    std::vector<float> out(static_cast<size_t>(outer * to * inner), 0.0f);
    const std::vector<Taps> taps = triangle_taps(from, to);
    for (int64_t o = 0; o < outer; ++o) {
        for (int64_t i = 0; i < to; ++i) {
            const Taps& tap = taps[static_cast<size_t>(i)];
            float* target = out.data() + (o * to + i) * inner;
            for (size_t k = 0; k < tap.weights.size(); ++k) {
                const float* source = pixels.data() + (o * from + tap.first + static_cast<int64_t>(k)) * inner;
                for (int64_t x = 0; x < inner; ++x) target[x] += tap.weights[k] * source[x];
            }
        }
    }
    return out;
}

}  // namespace

Image read_image(const std::filesystem::path& path, bool gray) {
    const std::string subject = fmt::format("`{}`", path.string());
    const std::vector<std::byte> bytes = read_file(path, kFileLimitBytes);
    Image image;
    image.channels = gray ? 1 : 3;
    const bool png = bytes.size() > 4 && std::memcmp(bytes.data(), "\x89PNG", 4) == 0;
    const std::vector<uint8_t> pixels =
        png ? read_png(bytes, gray, image, subject) : read_jpeg(bytes, gray, image, subject);
    image.pixels.assign(pixels.begin(), pixels.end());
    return image;
}

Image resize(const Image& image, int64_t height, int64_t width) {
    Image out{height, width, image.channels, image.pixels};
    if (width != image.width) {
        out.pixels = resize_axis(out.pixels, image.height, image.width, width, image.channels);
    }
    if (height != image.height) out.pixels = resize_axis(out.pixels, 1, image.height, height, width * image.channels);
    return out;
}

}  // namespace calotype::samples
