#pragma once

// What a Conv or FC reads, summed over its windows.

#include <span>
#include <vector>

#include "npu/layer.hpp"

namespace calotype::quantize {

/// Sums over windows of a layer's inputs in codes minus zero point; exact integers, so the order of adding is free.
struct InputMoments {
    int64_t k = 0;                  ///< inputs of one output channel
    int64_t groups = 1;             ///< sets of inputs
    int64_t windows = 0;            ///< counted in `sum`
    std::vector<int64_t> sum;       ///< [groups, k]
    int64_t gram_windows = 0;       ///< counted in `gram`, every n-th window
    std::vector<int64_t> gram_sum;  ///< [groups, k]
    std::vector<int64_t> gram;      ///< [groups, k, k]; empty where not asked for

    void add(const InputMoments& other);
};

/// Layers with at most this many inputs an output get nearly all of the gain and are cheap.
constexpr int64_t kGramInputs = 64;

InputMoments make_moments(const npu::Attributes& attributes, bool with_gram);
/// Adds one sample's codes. `output` is the layer's output shape.
void accumulate(InputMoments& moments, const npu::Attributes& attributes, const Dims& input, const Dims& output,
                const npu::Quantization& quantization, std::span<const int8_t> codes);

}  // namespace calotype::quantize
