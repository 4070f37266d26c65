#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/tensor.hpp"

namespace calotype::execute {

/// Copies a dense array with its axes in another order, prepared once for its dims.
class Permutation {
  public:
    /// Axis i of the result is axis axes[i] of the source, whose dims are `dims`.
    Permutation(const Dims& dims, const std::vector<int64_t>& axes);
    Permutation inverse() const;
    bool identity() const { return loops_.size() <= 1; }
    int64_t elements() const { return elements_; }
    /// How many planes it turns into the last axis (channels first to channels last); 0 where it is another
    /// permutation.
    int64_t planes() const {
        const bool is = loops_.size() == 2 && loops_[0].stride == 1 && loops_[1].stride == loops_[0].count;
        return is ? loops_[1].count : 0;
    }

    template <class T>
    void apply(const T* source, T* target) const;

  private:
    struct Loop {
        int64_t count = 1, stride = 1;  // stride in the source, elements
    };
    Dims dims_;
    std::vector<int64_t> axes_;
    std::vector<Loop> loops_;  // outermost first; neighbours that are contiguous in both are one
    int64_t elements_ = 1;
};

template <class T>
void Permutation::apply(const T* source, T* target) const {
    if (identity()) {
        std::copy(source, source + elements_, target);
        return;
    }
    const Loop inner = loops_[loops_.size() - 1], outer = loops_[loops_.size() - 2];
    std::vector<int64_t> at(loops_.size() - 2, 0);
    const T* from = source;
    while (true) {
        for (int64_t j = 0; j < outer.count; ++j) {
            const T* row = from + j * outer.stride;
            for (int64_t i = 0; i < inner.count; ++i) *target++ = row[i * inner.stride];
        }
        size_t axis = at.size();
        while (axis > 0) {
            const Loop& loop = loops_[--axis];
            from += loop.stride;
            if (++at[axis] < loop.count) break;
            from -= loop.stride * loop.count;
            at[axis] = 0;
            if (axis == 0) return;
        }
        if (at.empty()) return;
    }
}

}  // namespace calotype::execute
