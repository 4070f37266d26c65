// Pictures resized by triangles, one axis after the other.

#include <algorithm>
#include <cmath>

#include "samples/image.hpp"

namespace calotype::samples {
namespace {

constexpr int64_t kTallPixels = int64_t{1} << 24;

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
template <class Pixel>
std::vector<float> resize_axis(const std::vector<Pixel>& pixels, int64_t outer, int64_t from, int64_t to,
                               int64_t inner) {
    std::vector<float> out(static_cast<size_t>(outer * to * inner), 0.0f);
    const std::vector<Taps> taps = triangle_taps(from, to);
    for (int64_t o = 0; o < outer; ++o) {
        for (int64_t i = 0; i < to; ++i) {
            const Taps& tap = taps[static_cast<size_t>(i)];
            float* target = out.data() + (o * to + i) * inner;
            for (size_t k = 0; k < tap.weights.size(); ++k) {
                const Pixel* source = pixels.data() + (o * from + tap.first + static_cast<int64_t>(k)) * inner;
                for (int64_t x = 0; x < inner; ++x) target[x] += tap.weights[k] * static_cast<float>(source[x]);
            }
        }
    }
    return out;
}

}  // namespace

RealImage resize(const Image& image, int64_t height, int64_t width) {
    RealImage out{height, width, image.channels, {}};
    const int64_t row = image.width * image.channels;
    if (height == image.height && width == image.width)
        out.pixels.assign(image.pixels.begin(), image.pixels.end());
    else if (height == image.height)
        out.pixels = resize_axis(image.pixels, height, image.width, width, image.channels);
    else if (width == image.width)
        out.pixels = resize_axis(image.pixels, 1, image.height, height, row);
    // Width first, but where a picture is very tall: 2^24 rows of one pixel each would become as many of `width`.
    else if (image.height * width > kTallPixels && height * image.width < image.height * width)
        out.pixels = resize_axis(resize_axis(image.pixels, 1, image.height, height, row), height, image.width, width,
                                 image.channels);
    else
        out.pixels = resize_axis(resize_axis(image.pixels, image.height, image.width, width, image.channels), 1,
                                 image.height, height, width * image.channels);
    return out;
}

}  // namespace calotype::samples
