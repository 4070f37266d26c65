#pragma once

// Which channels share a scale.

#include <optional>
#include <vector>

#include "npu/layer.hpp"
#include "quantize/range.hpp"

namespace calotype::quantize {

/// True where a layer's output codes are input codes, moved, compared or left out.
bool only_moves(const npu::Attributes& attributes);

/// Groups of channels (tensor, channel) that hold one scale.
class ScaleClasses {
  public:
    /// Every channel for itself.
    explicit ScaleClasses(const npu::FloatNetwork& network);

    int64_t of(npu::TensorId tensor, int64_t channel) const {
        return root(first_[static_cast<size_t>(tensor)] + channel);
    }
    int64_t slots() const { return static_cast<int64_t>(parent_.size()); }
    int64_t channels(npu::TensorId tensor) const;
    /// Tensors joined by layers that only move codes: the smallest id of each such group, by tensor.
    const std::vector<size_t>& group() const { return group_; }
    /// What the model states of a slot, or of one that it shares its scale with.
    const std::optional<Code>& stated(int64_t slot) const { return stated_[static_cast<size_t>(slot)]; }
    /// Whether that is so of every channel.
    bool all_stated(npu::TensorId tensor) const;
    bool all_stated() const;
    bool none_stated(npu::TensorId tensor) const;

    /// One scale for all channels of a tensor.
    void join_channels(npu::TensorId tensor);
    /// One scale for each channel of an input of a layer that only moves codes and the output's channels that it
    /// becomes.
    void join_through(const npu::FloatNetwork& network, const npu::FloatLayer& layer, size_t input);
    /// Channels that are zeros, which any scale holds, take the stated one of this channel where they have none.
    void state_zeros(npu::TensorId tensor, int64_t of_channel);
    /// Whether these would bring different stated scales together.
    bool channels_differ(npu::TensorId tensor) const;
    bool differ_through(const npu::FloatNetwork& network, const npu::FloatLayer& layer, size_t input) const;

  private:
    int64_t root(int64_t slot) const;
    void join(int64_t a, int64_t b);
    bool differ(int64_t a, int64_t b) const;

    std::vector<int64_t> first_;
    std::vector<int64_t> parent_;
    std::vector<size_t> group_;
    std::vector<std::optional<Code>> stated_;  // by slot, of roots
};

/// The classes that a network needs: codes keep their scale where they only move, and a network's inputs and the
/// model's outputs have one. Every other channel may have its own if `per_channel`.
ScaleClasses classes_of(const npu::FloatNetwork& network, bool per_channel);

/// The classes by which a stated scale reaches tensors of which the model says nothing: joined wherever codes only move or
/// are clamped and no two scales differ.
ScaleClasses classes_that_agree(const npu::FloatNetwork& network);

}  // namespace calotype::quantize
