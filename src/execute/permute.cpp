#include "execute/permute.hpp"

namespace calotype::execute {

Permutation::Permutation(const Dims& dims, const std::vector<int64_t>& axes) : dims_(dims), axes_(axes) {
    elements_ = element_count(dims);
    Dims strides(dims.size(), 1);
    for (size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
    for (const int64_t axis : axes) {
        const Loop loop{dims[static_cast<size_t>(axis)], strides[static_cast<size_t>(axis)]};
        if (loop.count == 1) continue;
        if (!loops_.empty() && loops_.back().stride == loop.stride * loop.count) {
            loops_.back() = {loops_.back().count * loop.count, loop.stride};
        } else {
            loops_.push_back(loop);
        }
    }
}

Permutation Permutation::inverse() const {
    Dims dims;
    std::vector<int64_t> back(axes_.size());
    for (size_t i = 0; i < axes_.size(); ++i) {
        dims.push_back(dims_[static_cast<size_t>(axes_[i])]);
        back[static_cast<size_t>(axes_[i])] = static_cast<int64_t>(i);
    }
    return {dims, back};
}

}  // namespace calotype::execute
