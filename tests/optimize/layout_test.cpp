// merge_transposes, lift_transpose, sink_reshape, transpose_to_reshape, sink_transpose, squeeze_to_reshape,
// merge_reshapes, reshape_to_flatten, merge_slices
#include <gmock/gmock.h>

#include <limits>

#include "optimize/fixture.hpp"

namespace calotype::optimize::tests {
namespace {

using testing::ElementsAre;
using Ints = std::vector<int64_t>;
constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();

ValueId to_nhwc(Writer& w, ValueId x) { return w.node("Transpose", {x}, {{"perm", Ints{0, 2, 3, 1}}}); }
ValueId to_nchw(Writer& w, ValueId x) { return w.node("Transpose", {x}, {{"perm", Ints{0, 3, 1, 2}}}); }

TEST(MergeTransposes, APairCancelsAndOthersMerge) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 4, 5});
    w.output(w.node("Relu", {to_nchw(w, to_nhwc(w, x))}), "y");
    w.output(w.node("Relu", {to_nhwc(w, w.node("Transpose", {x}))}), "z");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, testing::UnorderedElementsAre("Relu", "Relu", "Transpose"));
    EXPECT_EQ(std::get<Ints>(outcome.only("Transpose").attributes.at("perm")), (Ints{3, 1, 0, 2}));
}

TEST(MergeTransposes, LeavesTheInnerOneToOtherReaders) {
    Writer w;
    const ValueId inner = to_nhwc(w, w.input("x", {1, 3, 4, 5}));
    w.output(w.node("Softmax", {inner}), "y");
    w.output(w.node("Softmax", {w.node("Transpose", {inner})}), "z");
    EXPECT_EQ(std::ranges::count(optimized(w).ops, "Transpose"), 2);
}

// As tf2onnx writes it: channels last between convolutions, with constants and a branch.
TEST(SinkTranspose, ThroughElementWiseNodesConstantsAndConcat) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 6, 5});
    const ValueId a = to_nhwc(w, w.node("Conv", {x, w.weights({4, 3, 1, 1})}));
    const ValueId b = to_nhwc(w, w.node("Conv", {x, w.weights({4, 3, 1, 1})}));
    const ValueId sum = w.node("Add", {w.node("Relu", {a}), w.weights({4})});
    const ValueId scaled = w.node("Mul", {w.weights({1, 6, 5, 1}), b});
    const ValueId joined = w.node("Concat", {w.node("Sigmoid", {sum}), scaled}, {{"axis", int64_t{3}}});
    w.output(w.node("Conv", {to_nchw(w, joined), w.weights({2, 8, 1, 1})}), "y");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, testing::Not(testing::Contains("Transpose")));
    EXPECT_EQ(std::get<int64_t>(outcome.only("Concat").attributes.at("axis")), 1);
}

TEST(SinkTranspose, StaysWhereAnotherReaderNeedsItAndAtAnInput) {
    Writer w;
    const ValueId turned = to_nhwc(w, w.node("Conv", {w.input("x", {1, 3, 6, 5}), w.weights({4, 3, 1, 1})}));
    w.output(w.node("Abs", {turned}), "y");
    w.output(w.node("Softmax", {turned}), "z");
    w.output(w.node("Abs", {to_nhwc(w, w.input("layout", {1, 3, 6, 5}))}), "u");
    EXPECT_EQ(optimized(w).applied("sink_transpose"), 0);
}

// Channels last, as Keras' squeeze and excite: two readers of the map, a gate of one pixel.
TEST(SinkTranspose, PastAGateOfOnePixel) {
    Writer w;
    const ValueId x = to_nhwc(w, w.node("Conv", {w.input("x", {2, 3, 6, 5}), w.weights({4, 3, 1, 1})}));
    const ValueId mean = w.node("ReduceMean", {x, w.ints({1, 2})});
    const ValueId gate = w.node("Conv", {to_nchw(w, mean), w.weights({4, 4, 1, 1})});
    const ValueId gated = w.node("Mul", {x, to_nhwc(w, w.node("Sigmoid", {gate}))});
    w.output(w.node("Conv", {to_nchw(w, gated), w.weights({2, 4, 1, 1})}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Conv", "GlobalAveragePool", "Conv", "Sigmoid", "Mul", "Conv"));
}

// x * Sigmoid(x) reads the map twice.
TEST(SinkTranspose, PastBothReadersOfASwish) {
    Writer w;
    const ValueId x = to_nhwc(w, w.node("Conv", {w.input("x", {2, 3, 6, 5}), w.weights({4, 3, 1, 1})}));
    w.output(to_nchw(w, w.node("Mul", {x, w.node("Sigmoid", {x})})), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Conv", "Sigmoid", "Mul"));
}

// As Keras' Rescaling and Normalization layers begin a network.
TEST(LiftTranspose, PastTheScalingOfAnImage) {
    Writer w;
    ValueId x = w.node("Mul", {w.input("x", {2, 6, 5, 3}), w.constant({}, {0.5f})});
    x = w.node("Div", {w.node("Sub", {x, w.weights({3})}), w.weights({1, 1, 3}, 1, 2)});
    w.output(w.node("Conv", {to_nchw(w, x), w.weights({4, 3, 3, 3})}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Transpose", "Conv"));
}

TEST(LiftTranspose, MeetsTheLayoutOfTheInput) {
    Writer w;
    w.output(to_nchw(w, w.node("Abs", {to_nhwc(w, w.input("x", {2, 3, 6, 5}))})), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("LeakyRelu"));
}

TEST(LiftTranspose, LeavesWhatOthersReadAndWhatIsNoInput) {
    Writer w;
    const ValueId scaled = w.node("Mul", {w.input("x", {2, 6, 5, 3}), w.weights({3})});
    w.output(w.node("Softmax", {to_nchw(w, scaled)}), "y");
    w.output(w.node("Softmax", {scaled}), "z");
    w.output(w.node("Softmax", {to_nchw(w, w.node("Abs", {w.node("Softmax", {scaled})}))}), "u");
    EXPECT_EQ(optimized(w).applied("lift_transpose"), 0);
}

ValueId rows_and_columns_padded(Writer& w, ValueId nhwc) {
    return w.node("Pad", {nhwc, w.ints({0, 1, 1, 0, 0, 1, 1, 0})});
}

TEST(LiftTransposePastPad, FirstConvolutionTakesThePads) {
    Writer w;
    const ValueId scaled = w.node("Mul", {w.input("x", {2, 6, 5, 3}), w.weights({3})});
    const ValueId padded = rows_and_columns_padded(w, scaled);
    w.output(w.node("Conv", {to_nchw(w, padded), w.weights({4, 3, 3, 3})}), "y");
    const ValueId turned = w.node("Pad", {to_nchw(w, w.input("u", {2, 6, 5, 3})), w.ints({0, 0, 1, 1, 0, 0, 1, 1})});
    w.output(w.node("Conv", {turned, w.weights({4, 3, 3, 3})}), "v");
    const Outcome outcome = optimized(w);
    EXPECT_EQ(outcome.applied("lift_transpose_past_pad"), 1);
    EXPECT_EQ(outcome.applied("fold_pad"), 2);
    EXPECT_EQ(std::ranges::count(outcome.ops, "Transpose"), 2);
    EXPECT_EQ(std::ranges::count(outcome.ops, "Pad"), 0);
}

TEST(LiftTransposePastPad, LeavesWhatOthersReadAndWhatIsNoInput) {
    Writer w;
    const ValueId padded = rows_and_columns_padded(w, w.input("x", {2, 6, 5, 3}));
    w.output(w.node("Softmax", {to_nchw(w, padded)}), "y");
    w.output(w.node("Softmax", {padded}), "z");
    const ValueId inner = rows_and_columns_padded(w, w.node("Softmax", {w.input("u", {2, 6, 5, 3})}));
    w.output(w.node("Softmax", {to_nchw(w, inner)}), "v");
    const Outcome outcome = optimized(w);
    EXPECT_EQ(outcome.applied("lift_transpose_past_pad"), 0);
    EXPECT_THAT(outcome.reasons("lift_transpose_past_pad"), ElementsAre("another reader needs the Pad as it lies"));
}

TEST(TransposeToReshape, OneRowMovesNothing) {
    Writer w;
    const ValueId x = w.node("GlobalAveragePool", {w.input("x", {1, 3, 6, 5})});
    w.output(w.node("Relu", {w.node("Reshape", {to_nhwc(w, x), w.ints({1, 3})})}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("GlobalAveragePool", "Relu", "Flatten"));
}

TEST(TransposeToReshape, LeavesOneThatMovesPixels) {
    Writer w;
    w.output(w.node("Softmax", {to_nhwc(w, w.input("x", {1, 3, 1, 5}))}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Transpose", "Softmax"));
}

TEST(SqueezeToReshape, BothWays) {
    Writer w;
    const ValueId x = w.input("x", {2, 1, 3});
    w.output(w.node("Softmax", {w.node("Squeeze", {x, w.ints({1})})}), "y");
    w.output(w.node("Softmax", {w.node("Unsqueeze", {x, w.ints({-1})})}), "z");
    const Outcome outcome = optimized(w);
    EXPECT_EQ(outcome.applied("squeeze_to_reshape"), 2);
    EXPECT_EQ(std::ranges::count(outcome.ops, "Squeeze") + std::ranges::count(outcome.ops, "Unsqueeze"), 0);
}

TEST(SqueezeToReshape, DeclinesAnEmptyValue) {
    Writer w;
    w.output(w.node("Abs", {w.node("Squeeze", {w.input("x", {2, 1, 0}), w.ints({1})})}), "y");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, ElementsAre("Squeeze", "LeakyRelu"));
    EXPECT_THAT(outcome.reasons("squeeze_to_reshape"), ElementsAre("the dims are known only at run time"));
}

TEST(MergeReshapes, SqueezeUnsqueezeFlattenReshape) {
    Writer w;
    ValueId y = w.node("GlobalAveragePool", {w.input("x", {2, 3, 6, 5})});
    y = w.node("Squeeze", {y, w.ints({3})});
    y = w.node("Squeeze", {y, w.ints({2})});
    y = w.node("Unsqueeze", {y, w.ints({1})});
    y = w.node("Reshape", {y, w.ints({3, -1})});
    y = w.node("Reshape", {y, w.ints({2, 3, 1, 1})});
    w.output(w.node("Softmax", {w.node("Flatten", {y})}), "y");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, ElementsAre("GlobalAveragePool", "Flatten", "Softmax"));
    EXPECT_THAT(outcome.only("Flatten").sources, testing::Contains("Unsqueeze_0"));
}

TEST(MergeReshapes, LeavesTheInnerOneToOtherReaders) {
    Writer w;
    const ValueId inner = w.node("Reshape", {w.input("x", {2, 3, 4}), w.ints({6, 4})});
    w.output(w.node("Softmax", {inner}), "y");
    w.output(w.node("Softmax", {w.node("Reshape", {inner, w.ints({4, 6})})}), "z");
    const Outcome outcome = optimized(w);
    EXPECT_EQ(std::ranges::count(outcome.ops, "Reshape"), 2);
}

// As YOLO's heads: anchors cut out of the channels, then the activation.
TEST(SinkReshape, PastAnActivation) {
    Writer w;
    ValueId y = w.node("Conv", {w.input("x", {2, 3, 4, 5}), w.weights({12, 3, 1, 1})});
    y = w.node("Transpose", {w.node("Reshape", {y, w.ints({0, 3, 4, 4, 5})})}, {{"perm", Ints{0, 1, 3, 4, 2}}});
    w.output(w.node("Reshape", {w.node("Sigmoid", {y}), w.ints({0, -1, 4})}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Conv", "Sigmoid", "Reshape", "Transpose", "Reshape"));
}

TEST(SinkReshape, DeclinesWhereAnotherReaderNeedsTheShape) {
    Writer w;
    const ValueId flat = w.node("Flatten", {w.node("Softmax", {w.input("x", {2, 3, 4, 5})})});
    w.output(w.node("Tanh", {flat}), "y");
    w.output(w.node("Softmax", {flat}), "z");
    EXPECT_THAT(optimized(w).reasons("sink_reshape"), ElementsAre("another reader needs the reshaped value"));
}

TEST(ReshapeToFlatten, KeepsTheBatchFree) {
    Writer w;
    w.output(w.node("Relu", {w.node("Reshape", {w.input("x", {1, 3, 4, 5}), w.ints({-1, 60})})}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Flatten", "Relu"));
}

TEST(ReshapeToFlatten, LeavesWhatJoinsSamples) {
    Writer w;
    w.output(w.node("Softmax", {w.node("Reshape", {w.input("x", {2, 3, 4}), w.ints({6, 4})})}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Reshape", "Softmax"));
}

// As in the shortcuts of resnet20: every other row, then every other column, then channels of zeros around.
TEST(MergeSlices, ShortcutOfOptionA) {
    Writer w;
    const ValueId x = w.input("x", {1, 4, 8, 8});
    const ValueId rows = w.node("Slice", {x, w.ints({0}), w.ints({kEnd}), w.ints({2}), w.ints({2})});
    const ValueId columns = w.node("Slice", {rows, w.ints({0}), w.ints({kEnd}), w.ints({3}), w.ints({2})});
    w.output(w.node("Pad", {columns, w.ints({0, 2, 0, 0, 0, 2, 0, 0})}), "y");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, ElementsAre("Slice", "Pad"));
    EXPECT_THAT(outcome.only("Slice").sources, ElementsAre("Slice_0", "Slice_1"));
    const ValueId ends = outcome.only("Slice").inputs.at(2);
    EXPECT_EQ(to_int64s(*outcome.graph.value(ends).constant), (Ints{kEnd, kEnd}));
}

TEST(MergeSlices, OfOneAxis) {
    Writer w;
    const ValueId x = w.input("x", {1, 2, 3, 40});
    const ValueId first = w.node("Slice", {x, w.ints({3}), w.ints({-2}), w.ints({-1}), w.ints({2})});
    const ValueId second = w.node("Slice", {first, w.ints({1}), w.ints({-3}), w.ints({3}), w.ints({3})});
    w.output(w.node("Relu", {second}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Slice", "Relu"));
}

TEST(MergeSlices, DeclinesBackwardSteps) {
    Writer w;
    const ValueId x = w.input("x", {1, 2, 3, 10});
    const ValueId back = w.node("Slice", {x, w.ints({-1}), w.ints({-kEnd}), w.ints({3}), w.ints({-1})});
    w.output(w.node("Slice", {back, w.ints({1}), w.ints({kEnd}), w.ints({3})}), "y");
    EXPECT_THAT(optimized(w, {"reverse_slice_to_gather"}).reasons("merge_slices"),
                ElementsAre("a bound is computed at run time or a step goes backwards"));
}

}  // namespace
}  // namespace calotype::optimize::tests
