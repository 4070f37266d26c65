#pragma once

#include <cstdint>
#include <vector>

#include "npu/layer.hpp"

namespace calotype::npu {

/// One layer's step: where its tensors lie in the activation arena, and what it costs.
struct Step {
    int32_t layer = 0;  ///< index into Network::layers
    int64_t macs = 0;
    int64_t moved_bytes = 0;  ///< weights and activations over DDR and memory tiles
    int64_t cycles = 0;
    bool bandwidth_bound = false;
    friend bool operator==(const Step&, const Step&) = default;
};
struct Span {
    int64_t offset_bytes = 0, size_bytes = 0;
    friend bool operator==(const Span&, const Span&) = default;
};
/// Order, placement and cost for one set of shapes. Derived from a Network; can be written, read and checked alone.
struct Program {
    std::vector<Step> steps;        ///< in order of execution
    std::vector<Dims> shapes;       ///< per tensor
    std::vector<Span> placement;    ///< per tensor, in one arena; 64-byte aligned
    int64_t arena_bytes = 0;        ///< peak activation memory
    int64_t lower_bound_bytes = 0;  ///< largest sum of live bytes over this order
    int64_t cycles = 0;
    int64_t macs = 0;
    friend bool operator==(const Program&, const Program&) = default;
};

}  // namespace calotype::npu
