#include "samples/image.hpp"

#include <fmt/format.h>
#include <png.h>
#include <stdio.h>  // snprintf; jpeglib.h needs FILE

#include <jerror.h>
#include <jpeglib.h>

#include <algorithm>
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
    bool cmyk = false;
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

/// A progressive picture is gone over once a scan, and a few bytes make one: cameras write about ten.
constexpr int kMostScans = 100;
void refuse_many_scans(j_common_ptr codec) {
    if (reinterpret_cast<j_decompress_ptr>(codec)->input_scan_number <= kMostScans) return;
    auto* failure = reinterpret_cast<JpegFailure*>(codec->err);
    snprintf(failure->text, sizeof failure->text, "it has more than %d scans", kMostScans);
    longjmp(failure->back, 1);
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
    jpeg_progress_mgr watched{};
    watched.progress_monitor = refuse_many_scans;
    codec.progress = &watched;
    jpeg_mem_src(&codec, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    jpeg_read_header(&codec, TRUE);
    if (codec.jpeg_color_space == JCS_CMYK || codec.jpeg_color_space == JCS_YCCK) {
        failure.cmyk = true;
        jpeg_destroy_decompress(&codec);
        return false;
    }
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
    const bool decoded = decode_jpeg(bytes, gray, image, pixels, failure, allocate_pixels);
    if (failure.cmyk)
        throw Error({"IMAGE_COLORS", subject, "its colours are CMYK, for print; RGB and gray pictures are read",
                     "convert it to RGB"});
    if (!decoded) broken(subject, failure.text);
    check_size(image.height, image.width, subject);
    return pixels;
}

struct PngReader {
    std::span<const std::byte> left;
    png_structp codec = nullptr;
    png_infop info = nullptr;
    jmp_buf back;
    char text[256] = "out of memory";

    ~PngReader() { png_destroy_read_struct(&codec, &info, nullptr); }
};

[[noreturn]] void fail_png(png_structp codec, png_const_charp text) {
    auto* reader = static_cast<PngReader*>(png_get_error_ptr(codec));
    snprintf(reader->text, sizeof reader->text, "%s", text);
    longjmp(reader->back, 1);
}

void ignore_png_warning(png_structp, png_const_charp) {}

void next_png_bytes(png_structp codec, png_bytep target, size_t count) {
    auto* reader = static_cast<PngReader*>(png_get_io_ptr(codec));
    if (count > reader->left.size()) png_error(codec, "read beyond end of data");
    std::memcpy(target, reader->left.data(), count);
    reader->left = reader->left.subspan(count);
}

/// Reads up to the pixels. Nothing in here has a destructor that longjmp would skip.
bool begin_png(PngReader& reader, Image& image) {
    if (setjmp(reader.back) != 0) return false;
    reader.codec = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, fail_png, ignore_png_warning);
    if (reader.codec == nullptr) return false;
    reader.info = png_create_info_struct(reader.codec);
    if (reader.info == nullptr) return false;
    png_set_read_fn(reader.codec, &reader, next_png_bytes);
    png_set_benign_errors(reader.codec, 1);
    // No chunk beside palette and pixels: a gamma would change what gray is made of.
    png_set_keep_unknown_chunks(reader.codec, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    png_read_info(reader.codec, reader.info);
    image.height = png_get_image_height(reader.codec, reader.info);
    image.width = png_get_image_width(reader.codec, reader.info);
    return true;
}

/// The values as stored, the high byte of two, as OpenCV reads them: neither gamma nor alpha is applied.
bool finish_png(PngReader& reader, bool gray, const Image& image, uint8_t* pixels) {
    if (setjmp(reader.back) != 0) return false;
    png_set_strip_16(reader.codec);
    png_set_strip_alpha(reader.codec);
    const int color = png_get_color_type(reader.codec, reader.info);
    if (color == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(reader.codec);
    if (color == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(reader.codec);
    const bool coloured = (color & PNG_COLOR_MASK_COLOR) != 0;
    if (gray && coloured) png_set_rgb_to_gray_fixed(reader.codec, PNG_ERROR_ACTION_NONE, 29900, 58700);
    if (!gray && !coloured) png_set_gray_to_rgb(reader.codec);
    const int passes = png_set_interlace_handling(reader.codec);
    png_read_update_info(reader.codec, reader.info);
    const auto row_bytes = static_cast<size_t>(image.width * image.channels);
    if (png_get_rowbytes(reader.codec, reader.info) != row_bytes) png_error(reader.codec, "rows of an unknown form");
    for (int pass = 0; pass < passes; ++pass) {
        for (int64_t y = 0; y < image.height; ++y) {
            png_read_row(reader.codec, pixels + static_cast<size_t>(y) * row_bytes, nullptr);
        }
    }
    return true;
}

std::vector<uint8_t> read_png(std::span<const std::byte> bytes, bool gray, Image& image, const std::string& subject) {
    PngReader reader;
    reader.left = bytes;
    if (!begin_png(reader, image)) broken(subject, reader.text);
    check_size(image.height, image.width, subject);
    std::vector<uint8_t> pixels(static_cast<size_t>(image.height * image.width * image.channels));
    if (!finish_png(reader, gray, image, pixels.data())) broken(subject, reader.text);
    return pixels;
}

}  // namespace

Image read_image(const std::filesystem::path& path, bool gray) {
    const std::string subject = fmt::format("`{}`", path.string());
    const std::vector<std::byte> bytes = read_file(path, kFileLimitBytes);
    Image image;
    image.channels = gray ? 1 : 3;
    const bool png = bytes.size() > 4 && std::memcmp(bytes.data(), "\x89PNG", 4) == 0;
    const bool jpeg = bytes.size() > 2 && std::memcmp(bytes.data(), "\xff\xd8", 2) == 0;
    if (!png && !jpeg) broken(subject, "it is neither a JPEG nor a PNG, whatever its name says");
    image.pixels = png ? read_png(bytes, gray, image, subject) : read_jpeg(bytes, gray, image, subject);
    return image;
}

}  // namespace calotype::samples
