#include "plan/memory.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <random>

#include "plan/sweep.hpp"

namespace calotype::plan {
namespace {

using Sequence = std::vector<size_t>;

constexpr int64_t kMostPairs = 1'000'000;  // 16 MB of overlaps, and a second; networks have some 10,000

template <class Key>
Sequence by_key(const std::vector<Lifetime>& tensors, const Key& key) {
    Sequence sequence(tensors.size());
    std::iota(sequence.begin(), sequence.end(), size_t{0});
    std::stable_sort(sequence.begin(), sequence.end(),
                     [&](size_t a, size_t b) { return key(tensors[a]) < key(tensors[b]); });
    return sequence;
}

class Placer {
  public:
    explicit Placer(const std::vector<Lifetime>& tensors)
        : tensors_(tensors), offsets_(tensors.size(), 0), overlaps_(tensors.size()) {
        Sequence living;  // at the step where the next tensor begins
        for (const size_t i : by_key(tensors, [](const Lifetime& t) { return t.first; })) {
            std::erase_if(living, [&](size_t k) { return tensors[k].last < tensors[i].first; });
            for (const size_t k : living) {
                overlaps_[i].push_back(k);
                overlaps_[k].push_back(i);
            }
            living.push_back(i);
        }
        for (Sequence& others : overlaps_) std::sort(others.begin(), others.end());
    }

    /// Each tensor in turn into the smallest gap that holds it among those placed before; returns the arena's size.
    int64_t best_fit(const Sequence& sequence) {
        std::vector<bool> placed(tensors_.size(), false);
        int64_t arena = 0;
        for (const size_t tensor : sequence) {
            taken_.clear();
            for (const size_t other : overlaps_[tensor])
                if (placed[other]) taken_.push_back({offsets_[other], tensors_[other].size_bytes});
            offsets_[tensor] = best_gap(tensors_[tensor].size_bytes);
            placed[tensor] = true;
            arena = std::max(arena, offsets_[tensor] + tensors_[tensor].size_bytes);
        }
        return arena;
    }
    const std::vector<int64_t>& offsets() const { return offsets_; }
    const std::vector<size_t>& overlaps(size_t tensor) const { return overlaps_[tensor]; }

  private:
    int64_t best_gap(int64_t size) {
        std::sort(taken_.begin(), taken_.end(),
                  [](const npu::Span& a, const npu::Span& b) { return a.offset_bytes < b.offset_bytes; });
        int64_t end = 0, best = -1, best_size = 0;
        for (const npu::Span& span : taken_) {
            const int64_t gap = span.offset_bytes - end;
            if (gap >= size && (best < 0 || gap < best_size)) {
                best = end;
                best_size = gap;
            }
            end = std::max(end, span.offset_bytes + span.size_bytes);
        }
        return best < 0 ? end : best;
    }

    const std::vector<Lifetime>& tensors_;
    std::vector<int64_t> offsets_;
    std::vector<std::vector<size_t>> overlaps_;
    std::vector<npu::Span> taken_;
};

int64_t lower_bound(const std::vector<Lifetime>& tensors) {
    std::vector<std::pair<int64_t, int64_t>> changes;  // step, change of the live bytes
    for (const Lifetime& tensor : tensors) {
        changes.emplace_back(tensor.first, tensor.size_bytes);
        changes.emplace_back(tensor.last + 1, -tensor.size_bytes);
    }
    std::sort(changes.begin(), changes.end());  // at one step, ends come first: they are negative
    int64_t live = 0, most = 0;
    for (const auto& [step, change] : changes) most = std::max(most, live += change);
    return most;
}

std::vector<Sequence> first_sequences(const std::vector<Lifetime>& tensors) {
    const std::function<int64_t(const Lifetime&)> keys[] = {
        [](const Lifetime& t) { return -t.size_bytes; },
        [](const Lifetime& t) { return -t.size_bytes * (t.last - t.first + 1); },
        [](const Lifetime& t) { return -(t.last - t.first); }, [](const Lifetime& t) { return t.first; },
        [](const Lifetime& t) { return -t.last; }};
    std::vector<Sequence> sequences;
    for (const auto& key : keys) sequences.push_back(by_key(tensors, key));
    return sequences;
}

/// Moves a tensor at the arena's end, or one that lives beside it, to a place nearer to the front of the sequence.
void disturb(Sequence& sequence, const Placer& placer, const std::vector<Lifetime>& tensors, int64_t arena,
             std::minstd_rand& random) {
    std::vector<size_t> candidates;
    for (size_t i = 0; i < tensors.size(); ++i)
        if (placer.offsets()[i] + tensors[i].size_bytes == arena) {
            candidates.push_back(i);
            candidates.insert(candidates.end(), placer.overlaps(i).begin(), placer.overlaps(i).end());
        }
    const size_t chosen = candidates[random() % candidates.size()];
    const auto from = std::find(sequence.begin(), sequence.end(), chosen);
    const auto to =
        sequence.begin() + static_cast<std::ptrdiff_t>(random() % static_cast<size_t>(from - sequence.begin() + 1));
    std::rotate(to, from, from + 1);
}

}  // namespace

MemoryPlan place(const std::vector<Lifetime>& given) {
    std::vector<Lifetime> tensors = given;
    for (Lifetime& tensor : tensors)
        tensor.size_bytes = (tensor.size_bytes + kAlignmentBytes - 1) / kAlignmentBytes * kAlignmentBytes;
    MemoryPlan plan;
    plan.lower_bound_bytes = lower_bound(tensors);
    if (pairs_alive(tensors, kMostPairs) == kMostPairs) {
        plan.placement = sweep(tensors);
        for (size_t i = 0; i < tensors.size(); ++i) {
            plan.arena_bytes =
                std::max(plan.arena_bytes, plan.placement[i].offset_bytes + plan.placement[i].size_bytes);
            plan.placement[i].size_bytes = given[i].size_bytes;
        }
        return plan;
    }
    Placer placer(tensors);
    Sequence best_sequence;
    std::vector<int64_t> best_offsets(tensors.size(), 0);
    const auto keep = [&](const Sequence& sequence, int64_t arena) {
        best_sequence = sequence;
        best_offsets = placer.offsets();
        plan.arena_bytes = arena;
    };
    for (const Sequence& sequence : first_sequences(tensors)) {
        const int64_t arena = placer.best_fit(sequence);
        if (best_sequence.empty() || arena < plan.arena_bytes) keep(sequence, arena);
    }
    // A bounded number of tries, so that time does not depend on luck nor the result on time: about 2 million gap
    // checks.
    std::minstd_rand random(20260101);
    int64_t work = 0;
    for (size_t i = 0; i < tensors.size(); ++i) work += static_cast<int64_t>(placer.overlaps(i).size()) + 1;
    Sequence sequence = best_sequence;
    placer.best_fit(sequence);
    int64_t current = plan.arena_bytes;
    for (int64_t tries = work == 0 ? 0 : 2'000'000 / work; tries > 0 && plan.arena_bytes > plan.lower_bound_bytes;
         --tries) {
        Sequence next = sequence;
        disturb(next, placer, tensors, current, random);
        const int64_t arena = placer.best_fit(next);
        if (arena < plan.arena_bytes) keep(next, arena);
        if (arena <= current + current / 64) {
            sequence = std::move(next);
            current = arena;
        } else {
            placer.best_fit(sequence);
        }
    }
    for (size_t i = 0; i < tensors.size(); ++i) plan.placement.push_back({best_offsets[i], given[i].size_bytes});
    return plan;
}

}  // namespace calotype::plan
