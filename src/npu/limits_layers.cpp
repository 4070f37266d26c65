// Limits that are read off a layer's attributes and shapes.

#include <fmt/format.h>

#include <algorithm>

#include "npu/limits.hpp"

namespace calotype::npu {
namespace {

Window window_of(const Pool& pool, const LayerFacts& facts) { return npu::window_of(pool, as_map(facts.inputs.at(0))); }

int64_t pool_kernel_pixels(const LayerFacts& facts) {
    const auto* pool = std::get_if<Pool>(&facts.attributes);
    if (!pool) return 0;
    return window_of(*pool, facts).taps();
}
std::string show_pool_kernel(const LayerFacts& facts) {
    const Window window = window_of(std::get<Pool>(facts.attributes), facts);
    const std::string depth = window.depth.kernel > 1 ? fmt::format("{} x ", window.depth.kernel) : "";
    return fmt::format("{}{} x {} = {} pixels", depth, window.height.kernel, window.width.kernel, window.taps());
}

int64_t thin_max_pool(const LayerFacts& facts) {
    const auto* pool = std::get_if<Pool>(&facts.attributes);
    if (!pool || pool->kind != PoolKind::max || pool->global) return 0;
    const int64_t h = pool->window.height.kernel, w = pool->window.width.kernel;
    return std::min(h, w) == 1 && (std::max(h, w) == 2 || std::max(h, w) == 3) ? 1 : 0;
}
std::string show_thin_max_pool(const LayerFacts& facts) {
    const Window& window = std::get<Pool>(facts.attributes).window;
    return fmt::format("a kernel of {} x {}", window.height.kernel, window.width.kernel);
}

int64_t pool_3d(const LayerFacts& facts) {
    const auto* pool = std::get_if<Pool>(&facts.attributes);
    return pool && facts.inputs.at(0).size() == 4 ? 1 : 0;
}
std::string show_rank(const LayerFacts& facts) { return fmt::format("a map of {}", to_string(facts.inputs.at(0))); }

int64_t pad_pixels(const LayerFacts& facts) {
    const auto* pad = std::get_if<Pad>(&facts.attributes);
    if (!pad) return 0;
    return std::max({pad->depth.pad_before, pad->depth.pad_after, pad->height.pad_before, pad->height.pad_after,
                     pad->width.pad_before, pad->width.pad_after});
}

int64_t space_to_depth_block(const LayerFacts& facts) {
    const auto* layer = std::get_if<SpaceToDepth>(&facts.attributes);
    return layer ? layer->block : 0;
}

constexpr Limit kLimits[] = {
    {"NPU_POOL_KERNEL", "Max and average pooling", "the pooling kernel", "pixels", "pool_kernel_pixels",
     "the window of a pool is gathered in one tile's memory before it is reduced",
     "pool in two steps, or use a smaller input", pool_kernel_pixels, show_pool_kernel},
    {"NPU_THIN_MAX_POOL", "Max pooling", "the max pooling kernel", "", "thin_max_pool",
     "the pooling unit compares two rows and two columns at a time and has no path for 1 x 2, 2 x 1, 1 x 3 and 3 x 1",
     "use a square kernel, or a strided convolution", thin_max_pool, show_thin_max_pool},
    {"NPU_POOL_3D", "Pooling 3D", "the pooled map", "", "pool_3d", "the pooling unit walks over two axes",
     "pool two axes at a time, or replace the pool by a strided convolution", pool_3d, show_rank},
    {"NPU_PAD_PIXELS", "Padding", "padding on one edge", "pixels", "pad_pixels",
     "a Padding layer counts the pixels of an edge in four bits",
     "let the convolution or the pool behind it carry the pads, or pad the input before the network", pad_pixels},
    {"NPU_SPACE_TO_DEPTH_BLOCK", "Space to depth", "the block", "", "space_to_depth_block",
     "the address generator interleaves two or three rows", "use two steps of smaller blocks, or a strided convolution",
     space_to_depth_block},
};

}  // namespace

std::span<const Limit> layer_limits() { return kLimits; }

}  // namespace calotype::npu
