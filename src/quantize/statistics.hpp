#pragma once

// What FP32 values say of each tensor, channel by channel; bounded by channels and folds, not by samples.

#include <array>
#include <functional>
#include <span>
#include <vector>

#include "quantize/quantize.hpp"
#include "quantize/range.hpp"

namespace calotype::quantize {

constexpr int64_t kFolds = 4;

struct TensorStatistics {
    std::array<std::vector<Range>, kFolds> fold;  ///< [channels] of the samples with index % kFolds == fold
    std::vector<double> mean;                     ///< [channels]
    int64_t values_per_channel = 0;
    bool whole_numbers = true;

    /// Over the folds but `left_out` (-1: all).
    std::vector<Range> ranges(int64_t left_out = -1) const;
};

struct Statistics {
    std::vector<TensorStatistics> tensors;      ///< by TensorId
    std::vector<std::vector<double>> sum_mean;  ///< by layer: mean of the sum before the activation, [channels]
};

Statistics gather(const npu::FloatNetwork& network, const Values& values, int64_t samples, ThreadPool& pool);

/// A value's elements in the tensor's memory order, all samples of its batch one after the other.
std::vector<float> in_tensor_order(const Tensor& value, const npu::FloatTensor& tensor);
/// The tensor's elements in memory order: its own where it is a constant, else those of its value.
std::vector<float> reals_of(const npu::FloatTensor& tensor, const std::map<std::string, Tensor>& values);

/// How many samples' FP32 values may lie in memory at once: one's a thread, but no more than 1 GiB together where the
/// samples have the first one's size. What comes out does not depend on it.
int64_t samples_at_once(const npu::FloatNetwork& network, int threads);

/// Calls `work` for each sample on the pool, and `merge` with its results in the order of the samples; `block` of them
/// are held at once.
template <class Result>
void in_order(int64_t samples, int64_t block, ThreadPool& pool, const std::function<Result(int64_t)>& work,
              const std::function<void(int64_t, Result&&)>& merge) {
    for (int64_t first = 0; first < samples; first += block) {
        std::vector<Result> results(static_cast<size_t>(std::min(block, samples - first)));
        pool.for_each(static_cast<int64_t>(results.size()),
                      [&](int64_t i, int) { results[static_cast<size_t>(i)] = work(first + i); });
        for (size_t i = 0; i < results.size(); ++i) merge(first + static_cast<int64_t>(i), std::move(results[i]));
    }
}

}  // namespace calotype::quantize
