#pragma once

#include <vector>

#include "optimize/words.hpp"

namespace calotype::optimize {

/// perm of a Transpose; reversed axes where the file leaves it out. Output axis i is input axis perm[i].
std::vector<int64_t> perm_of(const Graph& graph, NodeId id);
/// perm of the Transpose that undoes it.
std::vector<int64_t> undone(const std::vector<int64_t>& perm);
/// The same values with their axes permuted: dims[i] of the result is dims[perm[i]], after the rank is filled up with
/// ones in front. Types of whole bytes.
Tensor permuted(const Tensor& constant, const std::vector<int64_t>& perm);

/// Nodes that work element by element on their first input, or on two that broadcast: a Transpose passes them.
bool is_elementwise_of_one(const Graph& graph, NodeId id);
bool is_elementwise_of_two(const Graph& graph, NodeId id);

/// An input of the graph, or the reals that its codes stand for: that is no layer.
bool is_input(const Graph& graph, ValueId value);
/// An input of the graph or its Transpose, or what nodes that work element by element made of it and constants. A
/// Transpose there is that input's layout, and costs nothing.
bool is_made_of_input(const Graph& graph, ValueId value);

}  // namespace calotype::optimize
