#include "optimize/pipeline.hpp"

namespace calotype::optimize {

// The only place that orders rewrites. The runner (optimize.cpp) returns to the top after a change, drops dead nodes,
// validates and dumps; the rewrites do none of that.
std::vector<Entry> pipeline(const Evaluate& evaluate) {
    const auto fold = [evaluate](Graph& graph, NodeId id) { return fold_constants(graph, id, evaluate); };
    return {
        {"fold_constants", fold, "first: all others ask whether a weight, a bound or a shape is constant"},
        {"remove_identity", remove_identity,
         "before what looks at neighbours: nothing stands between two nodes that meet"},

        {"integer_product_to_reals", integer_product_to_reals, "before the products of reals are looked at"},
        {"qoperator_to_qdq", qoperator_to_qdq, "one spelling of quantized operators, before scales are read off"},
        {"cast_to_dequantize", cast_to_dequantize,
         "before move_reals, and before Transposes: the reals of an input are an input to them"},
        {"merge_equal_dequantize", merge_equal_dequantize, "before move_reals, which minds other readers"},
        {"move_reals", move_reals, "what moves codes then meets what moves reals"},
        {"remove_repeated_quantize", remove_repeated_quantize, "after the reals were moved: nothing is left between"},

        {"gelu_from_parts", gelu_from_parts,
         "before all that would take a constant of an activation for one of its own"},
        {"hard_swish_from_parts", hard_swish_from_parts, "likewise"},
        {"layer_norm_from_parts", layer_norm_from_parts, "before its mean, product and sum become layers of their own"},
        {"softplus_from_parts", softplus_from_parts, "likewise"},
        {"abs_to_leaky_relu", abs_to_leaky_relu, "one spelling of an activation"},
        {"selu_to_elu", selu_to_elu, "likewise; before its products fold into their neighbours"},
        {"prelu_to_relu", prelu_to_relu, "before its products fold into their neighbours"},

        {"sum_to_add", sum_to_add, "one spelling of a sum for all that follow"},
        {"sub_to_add", sub_to_add, "likewise"},
        {"div_to_mul", div_to_mul, "one spelling of a product for all that follow"},
        {"min_max_to_clip", min_max_to_clip, "one spelling of a bound, before clips merge"},
        {"merge_clips", merge_clips, "before clip_to_relu: Relu then Clip(0, 6) is one Clip"},
        {"clip_to_relu", clip_to_relu, "after the bounds are final"},
        {"hard_sigmoid_from_clip", hard_sigmoid_from_clip,
         "before constant sums and products become convolutions: these belong to an activation"},

        {"pad_all_axes", pad_all_axes, "one spelling of a Pad, before Transposes sink past it"},
        {"gather_nd_to_gather", gather_nd_to_gather, "before Transposes sink: they move past a Gather"},
        {"merge_transposes", merge_transposes, "before sinking: what cancels need not move"},
        {"transpose_between_reshapes", transpose_between_reshapes, "before the Reshapes merge with others"},
        {"lift_transpose", lift_transpose, "before sinking: one of an input stays there"},
        {"lift_transpose_past_pad", lift_transpose_past_pad, "likewise; lift_transpose then takes it further"},
        {"sink_transpose", sink_transpose, "towards the Transpose that undoes it"},
        {"sink_transpose_past_axes", sink_transpose_past_axes, "likewise"},
        {"transpose_to_reshape", transpose_to_reshape,
         "after sinking: one that moves only axes of size 1 and met no other joins the Reshapes"},
        {"resize_of_one_pixel", resize_of_one_pixel, "anywhere: it only renames"},
        {"resize_by_factors", resize_by_factors, "anywhere: it only spells a size as a factor"},
        {"resize_and_crop", resize_and_crop, "after resize_by_factors, which takes whole factors"},
        {"repeat_to_resize", repeat_to_resize, "makes Reshapes, which the exporter's own undo"},
        {"gather_to_slice", gather_to_slice, "before slices merge; makes a Reshape where it drops the axis"},
        {"gather_to_resize", gather_to_resize, "after gather_to_slice, which takes what leaves pixels out"},
        {"channel_repeat_to_gather", channel_repeat_to_gather,
         "after the Transposes sank: axis 1 is the channels where a layer is to be"},
        {"reverse_slice_to_gather", reverse_slice_to_gather, "a Slice that goes backwards merges with none"},
        {"squeeze_to_reshape", squeeze_to_reshape, "one spelling of a change of shape, before they merge"},
        {"sink_reshape", sink_reshape, "activations towards the layer before them; Reshapes then meet and merge"},
        {"merge_reshapes", merge_reshapes, "before reshape_to_flatten: only the last shape counts"},
        {"merge_slices", merge_slices, "a Slice an axis is how exporters write a strided one"},

        {"merge_reduce_means", merge_reduce_means, "before the mean over rows and columns is recognised"},
        {"reduce_mean_to_pool", reduce_mean_to_pool, "makes a Reshape, which reshape_to_flatten may finish"},
        {"reshape_to_flatten", reshape_to_flatten, "after everything that makes Reshapes: a Flatten holds no size"},
        {"broadcast_to_resize", broadcast_to_resize,
         "after the Transposes sank: axis 1 is the channels where a layer is to be"},
        {"zeros_to_pad", zeros_to_pad, "before fold_pad; after the Transposes sank, past Concats too"},
        {"explicit_pads", explicit_pads, "before fold_pad and average_pool_to_global, which add to and look at pads"},
        {"fold_pad", fold_pad, "before average_pool_to_global: what covers a map is known with its padding"},
        {"average_pool_to_global", average_pool_to_global, "after the pads are final"},

        {"matmul_to_gemm", matmul_to_gemm, "before plain_gemm"},
        {"plain_gemm", plain_gemm, "weights [out, in] and a bias [out], where scales and sums fold into them"},
        {"rows_to_batch", rows_to_batch, "after plain_gemm, before linear_to_conv, which asks for a batch"},
        {"left_matmul_to_conv", left_matmul_to_conv, "beside linear_to_conv, before constants fold into what it makes"},
        {"linear_to_conv", linear_to_conv, "after plain_gemm; its Transposes then merge and sink from the top"},
        {"fold_batch_norm", fold_batch_norm, "into the convolution or Gemm before it"},
        {"fold_scale_and_bias", fold_scale_and_bias, "likewise; after plain_gemm made the Gemm's bias"},
        {"fold_into_next", fold_into_next,
         "after the two above: the producer is the better place, it has no padding to mind"},
        {"affine_to_depthwise", affine_to_depthwise, "last: only for what no neighbour takes"},
    };
}

}  // namespace calotype::optimize
