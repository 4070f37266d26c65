#pragma once

#include <algorithm>
#include <cmath>

namespace calotype::quantize {

/// Of a value, and of its difference from FP32, added up over elements and samples.
struct Energy {
    double signal = 0, noise = 0;

    void include(double exact, double found) {
        signal += exact * exact;
        noise += (found - exact) * (found - exact);
    }
    void add(const Energy& other) {
        signal += other.signal;
        noise += other.noise;
    }
    /// The signal-to-noise ratio, within -200 and 200.
    double decibels() const {
        if (noise == 0) return 200;
        return std::clamp(10 * std::log10(std::max(signal, 1e-300) / noise), -200.0, 200.0);
    }
};

}  // namespace calotype::quantize
