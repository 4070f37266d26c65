#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {

/// y = x * factor + summand, one of each a channel (axis 1).
struct Affine {
    ValueId x = ValueId::none;
    std::vector<double> factor, summand;
    bool only_scales() const;
};

/// What a Mul by or an Add of a constant does, or c - x.
std::optional<Affine> constant_scale_or_bias(const Graph& graph, NodeId id);
/// What a BatchNormalization with constant statistics does.
std::optional<Affine> constant_batch_norm(const Graph& graph, NodeId id);
/// Either.
std::optional<Affine> constant_affine(const Graph& graph, NodeId id);

/// Constant weights [out, in / groups, kernel...] and bias [out] (zeros where absent) of a Conv or a plain Gemm.
struct Filter {
    Dims dims;
    std::vector<double> weights, bias;
    int64_t groups = 1;
    int64_t rows() const { return dims[0]; }
    size_t row_elems() const { return weights.size() / bias.size(); }
};
std::optional<Filter> constant_filter(const Graph& graph, NodeId id);
/// Whether all of it is finite in float32.
bool representable(const Filter& filter);

/// Makes `id`, which is this affine map of what a Conv or Gemm returns, that Conv or Gemm with other weights.
Rewrite fold_into_producer(Graph& graph, NodeId id, const Affine& affine);

/// The Add of one constant an output (of the last axis) that alone reads a MatMul's product, and these constants. Taken
/// along at once: where the axes in the middle are of size 1 the Transposes become Reshapes, past which no constant sinks.
std::optional<std::pair<NodeId, ValueId>> bias_behind(const Graph& graph, NodeId matmul);

/// A Gemm y = x * weights^T + bias without other factors, weights constant.
bool is_plain_gemm(const Graph& graph, NodeId id);

}  // namespace calotype::optimize
