#include "plan/sweep.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <queue>
#include <set>

namespace calotype::plan {
namespace {

/// Gaps of an arena that grows where none is large enough.
class Gaps {
  public:
    int64_t take(int64_t size) {
        const auto found = by_size_.lower_bound({size, 0});
        if (found == by_size_.end()) return grow(size);
        const auto [gap, offset] = *found;
        remove(offset, gap);
        if (gap > size) add(offset + size, gap - size);
        return offset;
    }
    void give_back(int64_t offset, int64_t size) {
        auto next = by_offset_.lower_bound(offset);
        if (next != by_offset_.end() && next->first == offset + size) {
            const auto [start, gap] = *next;
            remove(start, gap);
            size += gap;
        }
        auto before = by_offset_.lower_bound(offset);
        if (before != by_offset_.begin() && (--before)->first + before->second == offset) {
            const auto [start, gap] = *before;
            remove(start, gap);
            offset = start;
            size += gap;
        }
        add(offset, size);
    }

  private:
    /// A gap at the end becomes the tensor's first part.
    int64_t grow(int64_t size) {
        int64_t offset = end_;
        if (!by_offset_.empty()) {
            const auto [last, gap] = *by_offset_.rbegin();
            if (last + gap == end_) {
                remove(last, gap);
                offset = last;
            }
        }
        end_ = offset + size;
        return offset;
    }
    void add(int64_t offset, int64_t size) {
        by_offset_.emplace(offset, size);
        by_size_.emplace(size, offset);
    }
    void remove(int64_t offset, int64_t size) {
        by_offset_.erase(offset);
        by_size_.erase({size, offset});
    }

    std::map<int64_t, int64_t> by_offset_;
    std::set<std::pair<int64_t, int64_t>> by_size_;  // size, offset
    int64_t end_ = 0;
};

std::vector<size_t> by_first(const std::vector<Lifetime>& tensors) {
    std::vector<size_t> order(tensors.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, {}, [&](size_t i) { return tensors[i].first; });
    return order;
}

/// What lives, the first to end on top.
using Living = std::priority_queue<std::pair<int64_t, size_t>, std::vector<std::pair<int64_t, size_t>>, std::greater<>>;

}  // namespace

std::vector<npu::Span> sweep(const std::vector<Lifetime>& tensors) {
    std::vector<npu::Span> placement(tensors.size());
    Gaps gaps;
    Living living;
    for (const size_t i : by_first(tensors)) {
        for (; !living.empty() && living.top().first < tensors[i].first; living.pop()) {
            const npu::Span& gone = placement[living.top().second];
            gaps.give_back(gone.offset_bytes, gone.size_bytes);
        }
        if (tensors[i].size_bytes == 0) continue;
        placement[i] = {gaps.take(tensors[i].size_bytes), tensors[i].size_bytes};
        living.emplace(tensors[i].last, i);
    }
    return placement;
}

int64_t pairs_alive(const std::vector<Lifetime>& tensors, int64_t enough) {
    int64_t pairs = 0;
    Living living;
    for (const size_t i : by_first(tensors)) {
        while (!living.empty() && living.top().first < tensors[i].first) living.pop();
        pairs += static_cast<int64_t>(living.size());
        if (pairs >= enough) return enough;
        living.emplace(tensors[i].last, i);
    }
    return pairs;
}

}  // namespace calotype::plan
