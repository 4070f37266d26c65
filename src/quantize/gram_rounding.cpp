#include "quantize/gram_rounding.hpp"

#include <algorithm>
#include <cmath>

namespace calotype::quantize {
namespace {

constexpr int kSweeps = 3;
constexpr double kDamping = 0.01;

}  // namespace

void round_against_gram(const InputMoments& moments, std::span<const float> weights, std::span<const float> scale,
                        std::span<int8_t> codes) {
    const auto k = static_cast<size_t>(moments.k);
    const size_t outputs = scale.size();
    const size_t per_group = outputs / static_cast<size_t>(moments.groups);
    const auto n = static_cast<double>(std::max<int64_t>(moments.gram_windows, 1));
    std::vector<double> h(k * k), residual(k), error(k);
    for (size_t o = 0; o < outputs; ++o) {
        const size_t group = o / per_group;
        if (o % per_group == 0) {
            const int64_t* gram = moments.gram.data() + group * k * k;
            const int64_t* sum = moments.gram_sum.data() + group * k;
            double trace = 0;
            for (size_t i = 0; i < k; ++i) {
                for (size_t j = 0; j < k; ++j) {
                    h[i * k + j] = static_cast<double>(gram[i * k + j]) / n -
                                   static_cast<double>(sum[i]) / n * (static_cast<double>(sum[j]) / n);
                }
                trace += h[i * k + i];
            }
            for (size_t i = 0; i < k; ++i) h[i * k + i] += kDamping * trace / static_cast<double>(k) + 1e-9;
        }
        const double s = scale[o];
        int8_t* q = codes.data() + o * k;
        for (size_t i = 0; i < k; ++i) error[i] = weights[o * k + i] - s * q[i];
        for (size_t i = 0; i < k; ++i) {
            residual[i] = 0;
            for (size_t j = 0; j < k; ++j) residual[i] += h[i * k + j] * error[j];
        }
        for (int sweep = 0; sweep < kSweeps; ++sweep) {
            for (size_t i = 0; i < k; ++i) {
                const double best = std::nearbyint(q[i] + residual[i] / (h[i * k + i] * s));
                const auto to = static_cast<int8_t>(std::clamp(best, -127.0, 127.0));
                const double moved = s * (to - q[i]);
                if (moved == 0) continue;
                q[i] = to;
                for (size_t j = 0; j < k; ++j) residual[j] -= h[j * k + i] * moved;
            }
        }
    }
}

}  // namespace calotype::quantize
