#include "quantize/writer_bounds.hpp"

#include <limits>
#include <optional>

#include "npu/piecewise.hpp"

namespace calotype::quantize {

std::vector<Range> bounds_of_writers(const npu::FloatNetwork& network, const ScaleClasses& classes) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const Range open{-kInfinity, kInfinity};
    std::vector<std::optional<Range>> bounds(static_cast<size_t>(classes.slots()));
    const auto include = [&](npu::TensorId tensor, int64_t channel, const Range& range) {
        auto& bound = bounds[static_cast<size_t>(classes.of(tensor, channel))];
        if (!bound) bound.emplace();
        bound->include(range);
    };
    const auto leave_open = [&](npu::TensorId tensor) {
        for (int64_t c = 0; c < classes.channels(tensor); ++c) include(tensor, c, open);
    };
    for (const npu::Placement& input : network.inputs) leave_open(input.tensor);
    for (size_t t = 0; t < network.tensors.size(); ++t)
        if (!network.tensors[t].constant.empty()) leave_open(static_cast<npu::TensorId>(t));
    for (const npu::FloatLayer& layer : network.layers) {
        if (only_moves(layer.attributes)) continue;
        const bool same_reals = std::holds_alternative<npu::Requantize>(layer.attributes);
        const npu::RealBounds reach = npu::reach_of(layer.activation);
        const Range own{std::min(reach.lo, 0.0), std::max(reach.hi, 0.0)};
        for (int64_t c = 0; c < classes.channels(layer.output); ++c) {
            const auto& read = bounds[static_cast<size_t>(classes.of(layer.inputs[0], same_reals ? c : 0))];
            include(layer.output, c, same_reals ? read.value_or(open) : own);
        }
    }
    std::vector<Range> all;
    for (const auto& bound : bounds) all.push_back(bound.value_or(open));
    return all;
}

}  // namespace calotype::quantize
