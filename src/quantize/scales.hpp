#pragma once

// Which channels share a scale, and how wide each is.

#include <vector>

#include "quantize/statistics.hpp"

namespace calotype::quantize {

/// Scale and zero point of every tensor, before the arithmetic of a layer asks for more (Add, piecewise-linear layers).
struct Scales {
    std::vector<npu::Quantization> tensors;  ///< by TensorId
    std::vector<bool> whole_numbers;         ///< by network input
};

/// The channels (tensor, channel) whose codes only move from one to the other, and those of a network input or output, get
/// one scale; every other channel may have its own. Widths: the tensor's range or one of several mixtures with the channel's own, chosen
/// by cross-validation over the folds on what the error does to the readers; headroom for values that few samples lack.
Scales choose_scales(const npu::FloatNetwork& network, const Statistics& statistics, const Values& values,
                     int64_t samples, const Options& options, ThreadPool& pool);

/// Groups of channels that hold one scale.
class ScaleClasses {
  public:
    explicit ScaleClasses(const npu::FloatNetwork& network, bool per_channel);
    int64_t of(npu::TensorId tensor, int64_t channel) const {
        return root(first_[static_cast<size_t>(tensor)] + channel);
    }
    int64_t slots() const { return static_cast<int64_t>(parent_.size()); }
    /// Tensors joined by layers that only move codes: the smallest id of each such group, by tensor.
    const std::vector<size_t>& group() const { return group_; }

  private:
    int64_t root(int64_t slot) const;
    void join(int64_t a, int64_t b);
    void join_moved(const npu::FloatNetwork& network, const npu::FloatLayer& layer);

    std::vector<int64_t> first_;
    std::vector<int64_t> parent_;
    std::vector<size_t> group_;
};

/// True where a layer's output codes are input codes, moved, compared or left out.
bool only_moves(const npu::Attributes& attributes);

}  // namespace calotype::quantize
