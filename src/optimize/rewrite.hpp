#pragma once

// What a rewrite is, and all of them. Each has a file of its name.

#include <string>
#include <utility>

#include "graph/graph.hpp"
#include "optimize/optimize.hpp"

namespace calotype::optimize {

using graph::Graph;
using graph::NodeId;
using graph::ValueId;

/// What came of trying a rewrite on one node.
class Rewrite {
  public:
    /// The node is not what the rewrite is about.
    static Rewrite no_match() { return Rewrite(Outcome::no_match, {}); }
    /// It is, but for this reason the graph was left as it is.
    static Rewrite declined(std::string reason) { return Rewrite(Outcome::declined, std::move(reason)); }
    static Rewrite done() { return Rewrite(Outcome::done, {}); }

    bool is_done() const { return outcome_ == Outcome::done; }
    bool is_declined() const { return outcome_ == Outcome::declined; }
    const std::string& reason() const { return reason_; }

  private:
    enum class Outcome { no_match, declined, done };
    Rewrite(Outcome outcome, std::string reason) : outcome_(outcome), reason_(std::move(reason)) {}
    Outcome outcome_;
    std::string reason_;
};

Rewrite fold_constants(Graph& graph, NodeId id, const Evaluate& evaluate);
Rewrite remove_identity(Graph& graph, NodeId id);

Rewrite integer_product_to_reals(Graph& graph, NodeId id);
Rewrite cast_to_dequantize(Graph& graph, NodeId id);
Rewrite qoperator_to_qdq(Graph& graph, NodeId id);
Rewrite merge_equal_dequantize(Graph& graph, NodeId id);
Rewrite move_reals(Graph& graph, NodeId id);
Rewrite remove_repeated_quantize(Graph& graph, NodeId id);

Rewrite gelu_from_parts(Graph& graph, NodeId id);
Rewrite hard_swish_from_parts(Graph& graph, NodeId id);
Rewrite layer_norm_from_parts(Graph& graph, NodeId id);
Rewrite softplus_from_parts(Graph& graph, NodeId id);

Rewrite sub_to_add(Graph& graph, NodeId id);
Rewrite sum_to_add(Graph& graph, NodeId id);
Rewrite broadcast_to_resize(Graph& graph, NodeId id);
Rewrite div_to_mul(Graph& graph, NodeId id);
Rewrite min_max_to_clip(Graph& graph, NodeId id);
Rewrite merge_clips(Graph& graph, NodeId id);
Rewrite clip_to_relu(Graph& graph, NodeId id);
Rewrite hard_sigmoid_from_clip(Graph& graph, NodeId id);
Rewrite abs_to_leaky_relu(Graph& graph, NodeId id);
Rewrite selu_to_elu(Graph& graph, NodeId id);
Rewrite prelu_to_relu(Graph& graph, NodeId id);

Rewrite merge_transposes(Graph& graph, NodeId id);
Rewrite sink_transpose(Graph& graph, NodeId id);
Rewrite lift_transpose(Graph& graph, NodeId id);
Rewrite lift_transpose_past_pad(Graph& graph, NodeId id);
Rewrite transpose_between_reshapes(Graph& graph, NodeId id);
Rewrite sink_transpose_past_axes(Graph& graph, NodeId id);
Rewrite transpose_to_reshape(Graph& graph, NodeId id);
Rewrite squeeze_to_reshape(Graph& graph, NodeId id);
Rewrite sink_reshape(Graph& graph, NodeId id);
Rewrite merge_reshapes(Graph& graph, NodeId id);
Rewrite reshape_to_flatten(Graph& graph, NodeId id);
Rewrite gather_nd_to_gather(Graph& graph, NodeId id);
Rewrite gather_to_slice(Graph& graph, NodeId id);
Rewrite gather_to_resize(Graph& graph, NodeId id);
Rewrite channel_repeat_to_gather(Graph& graph, NodeId id);
Rewrite reverse_slice_to_gather(Graph& graph, NodeId id);
Rewrite merge_slices(Graph& graph, NodeId id);
Rewrite resize_of_one_pixel(Graph& graph, NodeId id);
Rewrite resize_by_factors(Graph& graph, NodeId id);
Rewrite resize_and_crop(Graph& graph, NodeId id);
Rewrite repeat_to_resize(Graph& graph, NodeId id);

Rewrite merge_reduce_means(Graph& graph, NodeId id);
Rewrite reduce_mean_to_pool(Graph& graph, NodeId id);
Rewrite average_pool_to_global(Graph& graph, NodeId id);
Rewrite explicit_pads(Graph& graph, NodeId id);
Rewrite zeros_to_pad(Graph& graph, NodeId id);
Rewrite fold_pad(Graph& graph, NodeId id);

Rewrite matmul_to_gemm(Graph& graph, NodeId id);
Rewrite pad_all_axes(Graph& graph, NodeId id);
Rewrite plain_gemm(Graph& graph, NodeId id);
Rewrite rows_to_batch(Graph& graph, NodeId id);
Rewrite left_matmul_to_conv(Graph& graph, NodeId id);
Rewrite linear_to_conv(Graph& graph, NodeId id);
Rewrite fold_batch_norm(Graph& graph, NodeId id);
Rewrite fold_scale_and_bias(Graph& graph, NodeId id);
Rewrite fold_into_next(Graph& graph, NodeId id);
Rewrite affine_to_depthwise(Graph& graph, NodeId id);

}  // namespace calotype::optimize
