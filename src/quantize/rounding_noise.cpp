#include "quantize/rounding_noise.hpp"

namespace calotype::quantize {

std::vector<double> rounding_noise(std::span<const float> x, std::span<const Code> codes) {
    // Adding 1.5 * 2^52 leaves no bits behind the point: the sum rounds to nearest even, and the loop vectorizes.
    constexpr double kRound = 6755399441055744.0;
    const size_t channels = codes.size();
    std::vector<double> inverse(channels), scale(channels), lo(channels), hi(channels), noise(channels);
    for (size_t c = 0; c < channels; ++c) {
        scale[c] = codes[c].scale;
        inverse[c] = 1 / scale[c];
        lo[c] = -128 - codes[c].zero_point;
        hi[c] = 127 - codes[c].zero_point;
    }
    for (const float* pixel = x.data(); pixel != x.data() + x.size(); pixel += channels) {
        for (size_t c = 0; c < channels; ++c) {
            const double real = pixel[c];
            const double code = std::min(std::max(real * inverse[c], lo[c]), hi[c]);
            const double error = ((code + kRound) - kRound) * scale[c] - real;
            noise[c] += error * error;
        }
    }
    return noise;
}

}  // namespace calotype::quantize
