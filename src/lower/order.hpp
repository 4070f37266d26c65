#pragma once

// How the elements of one array lie in another: the algebra behind Placement.

#include <optional>
#include <vector>

#include "base/tensor.hpp"

namespace calotype::lower {

/// From a source array, row-major, to a target: the source reshaped to `split`, its axes put in the order `axes`
/// (target axis i = split axis axes[i]), is the target's row-major order. A reshape of source or target changes
/// nothing.
struct Order {
    Dims split;
    std::vector<int64_t> axes;

    static Order identity(const Dims& dims);
    /// Sizes of the target's axes.
    Dims target() const;
    friend bool operator==(const Order&, const Order&) = default;
};

/// From target to source.
Order inverse(const Order& order);
/// First `first`, then `second` from first's target. Nothing where the axes of one cut through those of the other so
/// that no common factors exist (sizes 4 x 3 against 3 x 4).
std::optional<Order> compose(const Order& first, const Order& second);
/// Without axes of size 1, neighbours that stay neighbours merged: equal exactly where the permutations are equal.
Order simplified(const Order& order);
bool same_permutation(const Order& a, const Order& b);
/// For each position of the target the position in the source.
std::vector<int64_t> source_positions(const Order& order);

/// The permutation of whole axes of `sizes` that `order`, from an array of these sizes, is; axes of size 1 come first.
/// Nothing where it cuts an axis into pieces that others part.
std::optional<std::vector<int64_t>> whole_axes(const Order& order, const Dims& sizes);

/// Channels last: of a value [batch, channels, spatial...].
Order channels_last(const Dims& dims);
/// [spatial..., channels] of a value [batch, channels, spatial...]; the other dims of a value [batch, features].
Dims channels_last_shape(const Dims& dims);

}  // namespace calotype::lower
