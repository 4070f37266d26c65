#include "lower/order.hpp"

#include <algorithm>
#include <numeric>

namespace calotype::lower {
namespace {

/// The coarsest split that both `a` and `b` (equal products, no ones) are made of by merging neighbours.
std::optional<Dims> common_refinement(Dims a, Dims b) {
    Dims refined;
    while (!a.empty() && !b.empty()) {
        int64_t &x = a.back(), &y = b.back();
        const int64_t factor = std::min(x, y);
        if (x % factor != 0 || y % factor != 0) return std::nullopt;
        refined.push_back(factor);
        x /= factor;
        y /= factor;
        if (x == 1) a.pop_back();
        if (y == 1) b.pop_back();
    }
    std::reverse(refined.begin(), refined.end());
    return refined;
}

/// For each axis of `sizes`, how many axes of `refined` it falls into.
std::vector<size_t> pieces(const Dims& sizes, const Dims& refined) {
    std::vector<size_t> counts;
    size_t next = 0;
    for (const int64_t size : sizes) {
        size_t count = 0;
        for (int64_t product = 1; product < size; ++count) product *= refined[next++];
        counts.push_back(count);
    }
    return counts;
}

Order without_ones(const Order& order) {
    Order kept;
    std::vector<int64_t> new_axis(order.split.size(), -1);
    for (size_t i = 0; i < order.split.size(); ++i) {
        if (order.split[i] == 1) continue;
        new_axis[i] = static_cast<int64_t>(kept.split.size());
        kept.split.push_back(order.split[i]);
    }
    for (const int64_t axis : order.axes)
        if (new_axis[static_cast<size_t>(axis)] >= 0) kept.axes.push_back(new_axis[static_cast<size_t>(axis)]);
    return kept;
}

/// The same permutation with its source cut into `refined`.
Order refine_source(const Order& order, const Dims& refined) {
    const std::vector<size_t> counts = pieces(order.split, refined);
    std::vector<int64_t> first(counts.size());
    std::exclusive_scan(counts.begin(), counts.end(), first.begin(), int64_t{0});
    Order finer{refined, {}};
    for (const int64_t axis : order.axes)
        for (size_t k = 0; k < counts[static_cast<size_t>(axis)]; ++k)
            finer.axes.push_back(first[static_cast<size_t>(axis)] + static_cast<int64_t>(k));
    return finer;
}

}  // namespace

Order Order::identity(const Dims& dims) {
    Order order{dims, std::vector<int64_t>(dims.size())};
    std::iota(order.axes.begin(), order.axes.end(), int64_t{0});
    return order;
}

Dims Order::target() const {
    Dims sizes;
    for (const int64_t axis : axes) sizes.push_back(split[static_cast<size_t>(axis)]);
    return sizes;
}

Order inverse(const Order& order) {
    Order back{order.target(), std::vector<int64_t>(order.axes.size())};
    for (size_t i = 0; i < order.axes.size(); ++i)
        back.axes[static_cast<size_t>(order.axes[i])] = static_cast<int64_t>(i);
    return back;
}

std::optional<Order> compose(const Order& first, const Order& second) {
    const Order a = without_ones(first), b = without_ones(second);
    const std::optional<Dims> middle = common_refinement(a.target(), b.split);
    if (!middle) return std::nullopt;
    const Order finer_a = inverse(refine_source(inverse(a), *middle));
    const Order finer_b = refine_source(b, *middle);
    Order joined{finer_a.split, {}};
    for (const int64_t axis : finer_b.axes) joined.axes.push_back(finer_a.axes[static_cast<size_t>(axis)]);
    return joined;
}

Order simplified(const Order& order) {
    const Order kept = without_ones(order);
    const size_t rank = kept.axes.size();
    std::vector<bool> joins(rank, false);  // split axis k stands behind k - 1 in the target too
    for (size_t i = 1; i < rank; ++i)
        if (kept.axes[i] == kept.axes[i - 1] + 1) joins[static_cast<size_t>(kept.axes[i])] = true;
    Order merged;
    std::vector<int64_t> new_axis(rank);
    for (size_t k = 0; k < rank; ++k) {
        if (joins[k])
            merged.split.back() *= kept.split[k];
        else
            merged.split.push_back(kept.split[k]);
        new_axis[k] = static_cast<int64_t>(merged.split.size()) - 1;
    }
    for (const int64_t axis : kept.axes)
        if (!joins[static_cast<size_t>(axis)]) merged.axes.push_back(new_axis[static_cast<size_t>(axis)]);
    return merged;
}

bool same_permutation(const Order& a, const Order& b) { return simplified(a) == simplified(b); }

std::vector<int64_t> source_positions(const Order& order) {
    std::vector<int64_t> strides(order.split.size());
    int64_t elements = 1;
    for (size_t i = order.split.size(); i-- > 0;) {
        strides[i] = elements;
        elements *= order.split[i];
    }
    std::vector<int64_t> positions{0};
    for (const int64_t axis : order.axes) {
        std::vector<int64_t> longer;
        longer.reserve(positions.size() * static_cast<size_t>(order.split[static_cast<size_t>(axis)]));
        for (const int64_t position : positions)
            for (int64_t i = 0; i < order.split[static_cast<size_t>(axis)]; ++i)
                longer.push_back(position + i * strides[static_cast<size_t>(axis)]);
        positions = std::move(longer);
    }
    return positions;
}

std::optional<std::vector<int64_t>> whole_axes(const Order& order, const Dims& sizes) {
    const auto finer = compose(Order::identity(sizes), order);
    if (!finer) return std::nullopt;
    const std::vector<size_t> counts = pieces(sizes, finer->split);
    std::vector<int64_t> axes;
    std::vector<size_t> owner;  // of each piece
    for (size_t axis = 0; axis < sizes.size(); ++axis) {
        if (counts[axis] == 0) axes.push_back(static_cast<int64_t>(axis));
        owner.insert(owner.end(), counts[axis], axis);
    }
    for (size_t next = 0; next < finer->axes.size();) {
        const auto first = static_cast<size_t>(finer->axes[next]);
        const size_t axis = owner[first], count = counts[axis];
        if ((first > 0 && owner[first - 1] == axis) || next + count > finer->axes.size()) return std::nullopt;
        for (size_t k = 0; k < count; ++k)
            if (finer->axes[next + k] != finer->axes[next] + static_cast<int64_t>(k)) return std::nullopt;
        axes.push_back(static_cast<int64_t>(axis));
        next += count;
    }
    return axes;
}

Order channels_last(const Dims& dims) {
    Order order = Order::identity({dims.begin() + 1, dims.end()});
    if (!order.axes.empty()) std::rotate(order.axes.begin(), order.axes.begin() + 1, order.axes.end());
    return order;
}

Dims channels_last_shape(const Dims& dims) { return channels_last(dims).target(); }

}  // namespace calotype::lower
