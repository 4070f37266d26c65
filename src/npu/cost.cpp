#include "npu/cost.hpp"

#include <algorithm>

namespace calotype::npu {
namespace {

constexpr int64_t kPixelBlock = 8;  // pixels x channels of one tile's accumulator block
constexpr int64_t kChannelBlock = 16;
constexpr int64_t kDepthGranule = 8;     // products that one output sums per step
constexpr int64_t kDepthwiseLanes = 32;  // products of a cycle where no input is shared between outputs
constexpr int64_t kVectorBytes = 64;     // what a tile's vector unit moves, adds or compares a cycle

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Blocks go round over the tiles; the last round may leave tiles idle.
int64_t rounds(int64_t blocks, const Config& config) { return ceil_div(blocks, config.tiles()); }

int64_t conv_cycles(const Conv& conv, const Map& out, Precision precision, const Config& config) {
    const int64_t taps = conv.window.taps();
    const int64_t depth = conv.in_channels / conv.groups;
    const int64_t pixel_blocks = ceil_div(out.pixels(), kPixelBlock);
    if (depth < kDepthGranule / 2) {
        const int64_t lanes = precision == Precision::int8 ? kDepthwiseLanes : kDepthwiseLanes / 2;
        const int64_t block_cycles = ceil_div(kPixelBlock * kChannelBlock * taps * depth, lanes);
        return rounds(pixel_blocks * ceil_div(out.channels, kChannelBlock), config) * block_cycles;
    }
    const int64_t out_per_group = conv.out_channels / conv.groups;
    const int64_t blocks = pixel_blocks * conv.groups * ceil_div(out_per_group, kChannelBlock);
    const int64_t products = kPixelBlock * kChannelBlock * taps * ceil_div(depth, kDepthGranule) * kDepthGranule;
    return rounds(blocks, config) * ceil_div(products, config.macs_per_cycle(precision));
}

int64_t fully_connected_cycles(const FullyConnected& layer, Precision precision, const Config& config) {
    // One pixel: the sum over the inputs is split over the rows of the array.
    const int64_t blocks = ceil_div(layer.out_features, kChannelBlock) * config.rows;
    const int64_t depth = ceil_div(layer.in_features, config.rows * kDepthGranule) * kDepthGranule;
    return rounds(blocks, config) * ceil_div(kChannelBlock * depth, config.macs_per_cycle(precision) / 4);
}

int64_t vector_cycles(const Attributes& attributes, int64_t in_bytes, int64_t out_bytes, const Config& config) {
    int64_t steps = std::max(in_bytes, out_bytes);
    if (const auto* pool = std::get_if<Pool>(&attributes); pool && !pool->global)
        steps = std::max(steps, out_bytes * pool->window.taps());
    return ceil_div(ceil_div(steps, kVectorBytes), config.tiles());
}

int64_t weight_bytes(const Attributes& attributes, int64_t element_bytes) {
    if (const auto* conv = std::get_if<Conv>(&attributes))
        return conv->out_channels * (conv->in_channels / conv->groups * conv->window.taps() * element_bytes + 4);
    if (const auto* layer = std::get_if<FullyConnected>(&attributes))
        return layer->out_features * (layer->in_features * element_bytes + 4);
    return 0;
}

}  // namespace

Cost cost(const Attributes& attributes, const std::vector<Dims>& inputs, const Dims& output, Precision precision,
          const Config& config) {
    const int64_t element_bytes = precision == Precision::int8 ? 1 : 2;
    int64_t in_bytes = 0;
    for (const Dims& input : inputs) in_bytes += element_count(input) * element_bytes;
    const int64_t out_bytes = element_count(output) * element_bytes;
    const int64_t weights = weight_bytes(attributes, element_bytes);

    int64_t compute = 0;
    if (const auto* conv = std::get_if<Conv>(&attributes))
        compute = conv_cycles(*conv, as_map(output), precision, config);
    else if (const auto* layer = std::get_if<FullyConnected>(&attributes))
        compute = fully_connected_cycles(*layer, precision, config);
    else
        compute = vector_cycles(attributes, in_bytes, out_bytes, config);

    // Integer arithmetic with 1/1024 of a byte a cycle: the same prediction on every machine.
    const int64_t ddr_rate = std::max<int64_t>(1, config.ddr_bytes_per_second / (config.clock_hz / 1024));
    const int64_t chip_bytes = config.memory_tiles * config.memory_tile_bytes;
    const bool spills = in_bytes + out_bytes > chip_bytes;
    const int64_t ddr = ceil_div((weights + (spills ? in_bytes + out_bytes : 0)) * 1024, ddr_rate);
    const int64_t chip = ceil_div(in_bytes + out_bytes, config.memory_tiles * config.memory_tile_bytes_per_cycle);
    const int64_t transfer = std::max(ddr, chip);

    Cost cost;
    cost.macs = macs(attributes, output);
    cost.moved_bytes = weights + in_bytes + out_bytes;
    cost.cycles = std::max(compute, transfer) + config.layer_overhead_cycles;
    cost.bandwidth_bound = transfer > compute;
    const double most =
        static_cast<double>(cost.cycles) * static_cast<double>(config.tiles() * config.macs_per_cycle(precision));
    cost.utilisation = static_cast<double>(cost.macs) / most;
    return cost;
}

}  // namespace calotype::npu
