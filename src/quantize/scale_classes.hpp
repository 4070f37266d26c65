#pragma once

// Which channels share a scale.

#include <vector>

#include "npu/layer.hpp"

namespace calotype::quantize {

/// True where a layer's output codes are input codes, moved, compared or left out.
bool only_moves(const npu::Attributes& attributes);

/// Groups of channels (tensor, channel) that hold one scale: those whose codes only move from one to the other, and
/// those of a network input or output. Every other channel may have its own.
class ScaleClasses {
  public:
    ScaleClasses(const npu::FloatNetwork& network, bool per_channel);
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

}  // namespace calotype::quantize
