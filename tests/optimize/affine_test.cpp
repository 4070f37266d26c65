// fold_batch_norm, fold_scale_and_bias, fold_into_next, affine_to_depthwise, sub_to_add, div_to_mul
#include <gmock/gmock.h>

#include "optimize/fixture.hpp"

namespace calotype::optimize::tests {
namespace {

using testing::ElementsAre;
using Ints = std::vector<int64_t>;

ValueId batch_norm(Writer& w, ValueId x, int64_t channels) {
    return w.node("BatchNormalization", {x, w.weights({channels}), w.weights({channels}), w.weights({channels}),
                                         w.weights({channels}, 0.1f, 2)});
}

TEST(FoldBatchNorm, IntoConv) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 8, 8});
    const ValueId conv = w.node("Conv", {x, w.weights({4, 3, 3, 3})}, {{"pads", Ints{1, 1, 1, 1}}});
    w.output(w.node("Relu", {batch_norm(w, conv, 4)}), "y");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, ElementsAre("Conv", "Relu"));
    EXPECT_THAT(outcome.only("Conv").sources, ElementsAre("Conv_0", "BatchNormalization_0"));
    EXPECT_EQ(outcome.only("Conv").inputs.size(), 3u);
}

TEST(FoldBatchNorm, IntoDepthwiseConvWithBias) {
    Writer w;
    const ValueId x = w.input("x", {2, 6, 7, 7});
    const ValueId conv = w.node("Conv", {x, w.weights({6, 1, 3, 3}), w.weights({6})}, {{"group", int64_t{6}}});
    w.output(batch_norm(w, conv, 6), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Conv"));
}

TEST(FoldBatchNorm, IntoGemm) {
    Writer w;
    const ValueId x = w.input("x", {2, 6});
    const ValueId gemm = w.node("Gemm", {x, w.weights({6, 5}), w.weights({5})});
    w.output(batch_norm(w, gemm, 5), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Gemm"));
}

TEST(FoldBatchNorm, DeclinesWhereAnotherReaderNeedsTheConv) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 8, 8});
    const ValueId conv = w.node("Conv", {x, w.weights({4, 3, 3, 3})});
    w.output(w.node("Add", {batch_norm(w, conv, 4), conv}), "y");
    const Outcome outcome = optimized(w, {"affine_to_depthwise"});
    EXPECT_THAT(outcome.reasons("fold_batch_norm"), ElementsAre("another reader needs the result before it"));
    EXPECT_THAT(outcome.ops, ElementsAre("Conv", "BatchNormalization", "Add"));
}

TEST(FoldBatchNorm, DeclinesWeightsOfTheRun) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 8, 8}), weights = w.input("weights", {4, 3, 3, 3});
    w.output(batch_norm(w, w.node("Conv", {x, weights}), 4), "y");
    const Outcome outcome = optimized(w, {"affine_to_depthwise"});
    EXPECT_THAT(outcome.reasons("fold_batch_norm"),
                ElementsAre("the weights or the bias before it are computed at run time"));
}

TEST(FoldBatchNorm, DeclinesStatisticsOfTheRun) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 8, 8}), mean = w.input("mean", {4});
    const ValueId conv = w.node("Conv", {x, w.weights({4, 3, 3, 3})});
    w.output(w.node("BatchNormalization", {conv, w.weights({4}), w.weights({4}), mean, w.weights({4}, 0.1f, 2)}), "y");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.reasons("fold_batch_norm"), ElementsAre("a statistic is computed at run time"));
    EXPECT_THAT(outcome.ops, ElementsAre("Conv", "BatchNormalization"));
}

TEST(FoldScaleAndBias, MulAddSubDivByChannel) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 6, 6});
    ValueId y = w.node("Conv", {x, w.weights({4, 3, 1, 1}), w.weights({4})});
    y = w.node("Mul", {w.weights({4, 1, 1}), y});
    y = w.node("Add", {y, w.weights({1, 4, 1, 1})});
    y = w.node("Sub", {y, w.weights({4, 1, 1})});
    y = w.node("Div", {y, w.weights({4, 1, 1}, 0.5f, 2)});
    w.output(w.node("Sub", {w.constant({}, {1}), y}), "y");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, ElementsAre("Conv"));
    EXPECT_THAT(outcome.only("Conv").sources,
                ElementsAre("Conv_0", "Mul_0", "Add_0", "Sub_0", "Div_0", "Sub_1", "Identity_0", "out_y"));
    EXPECT_EQ(outcome.applied("sub_to_add"), 1);
    EXPECT_EQ(outcome.applied("div_to_mul"), 1);
}

TEST(FoldScaleAndBias, LeavesConstantsThatVaryOverThePixels) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 6, 6});
    const ValueId conv = w.node("Conv", {x, w.weights({4, 3, 1, 1})});
    w.output(w.node("Add", {conv, w.weights({4, 6, 6})}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Conv", "Add"));
}

TEST(FoldScaleAndBias, LeavesConstantsThatWidenTheResult) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 1, 1});
    const ValueId conv = w.node("Conv", {x, w.weights({1, 3, 1, 1})});
    w.output(w.node("Add", {conv, w.weights({1, 4, 1, 1})}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Conv", "Add"));
}

TEST(FoldScaleAndBias, ConvTransposeIsUntouched) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 4, 4});
    const ValueId conv = w.node("ConvTranspose", {x, w.weights({3, 4, 2, 2})}, {{"strides", Ints{2, 2}}});
    w.output(batch_norm(w, conv, 4), "y");
    EXPECT_THAT(optimized(w, {"affine_to_depthwise"}).ops, ElementsAre("ConvTranspose", "BatchNormalization"));
}

TEST(FoldIntoNext, NormalisationOfTheInput) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 6, 6});
    const ValueId centred = w.node("Sub", {x, w.weights({3, 1, 1})});
    const ValueId scaled = w.node("Div", {centred, w.weights({3, 1, 1}, 0.5f, 2)});
    w.output(w.node("Conv", {scaled, w.weights({4, 3, 3, 3})}), "y");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, ElementsAre("Conv"));
    EXPECT_THAT(outcome.only("Conv").sources, ElementsAre("Sub_0", "Div_0", "Conv_0", "Identity_0", "out_y"));
}

TEST(FoldIntoNext, GroupsTakeTheirOwnChannels) {
    Writer w;
    const ValueId x = w.input("x", {1, 4, 6, 6});
    const ValueId scaled = w.node("Mul", {x, w.weights({4, 1, 1})});
    w.output(w.node("Conv", {scaled, w.weights({6, 2, 3, 3})}, {{"group", int64_t{2}}, {"pads", Ints{1, 1, 1, 1}}}),
             "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Conv"));
}

TEST(FoldIntoNext, DeclinesASummandBeforePadding) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 6, 6});
    const ValueId shifted = w.node("Add", {x, w.weights({3, 1, 1})});
    w.output(w.node("Conv", {shifted, w.weights({4, 3, 3, 3})}, {{"pads", Ints{1, 1, 1, 1}}}), "y");
    const Outcome outcome = optimized(w, {"affine_to_depthwise"});
    EXPECT_THAT(outcome.reasons("fold_into_next"), ElementsAre("the padding would not be zero any more"));
    EXPECT_THAT(outcome.ops, ElementsAre("Add", "Conv"));
}

TEST(AffineToDepthwise, BatchNormAfterConcat) {
    Writer w;
    const ValueId a = w.input("a", {1, 2, 6, 6}), b = w.input("b", {1, 3, 6, 6});
    const ValueId joined = w.node("Concat", {a, b}, {{"axis", int64_t{1}}});
    w.output(w.node("Relu", {batch_norm(w, joined, 5)}), "y");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, ElementsAre("Concat", "Conv", "Relu"));
    EXPECT_EQ(std::get<int64_t>(outcome.only("Conv").attributes.at("group")), 5);
}

TEST(AffineToDepthwise, MulThenAddAfterAddAreOne) {
    Writer w;
    const ValueId a = w.input("a", {1, 5, 6, 6}), b = w.input("b", {1, 5, 6, 6});
    ValueId y = w.node("Add", {a, b});
    y = w.node("Mul", {y, w.weights({5, 1, 1})});
    y = w.node("Add", {y, w.weights({5, 1, 1})});
    w.output(w.node("Relu", {y}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Add", "Conv", "Relu"));
}

TEST(AffineToDepthwise, LeavesTheConstantsOfAGelu) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 6, 6});
    const ValueId conv = w.node("Conv", {x, w.weights({4, 3, 1, 1})});
    const ValueId erf = w.node("Erf", {w.node("Div", {conv, w.constant({}, {1.41421356f})})});
    const ValueId product = w.node("Mul", {conv, w.node("Add", {erf, w.constant({}, {1})})});
    w.output(w.node("Mul", {product, w.constant({}, {0.5f})}), "y");
    EXPECT_THAT(optimized(w, {"gelu_from_parts"}).ops, ElementsAre("Conv", "Div", "Erf", "Add", "Mul", "Mul"));
}

TEST(DivToMul, ByOneNumberAndByOneAChannel) {
    Writer w;
    const ValueId x = w.input("x", {2, 3, 4, 4});
    w.output(w.node("Div", {x, w.constant({}, {3})}), "one");
    w.output(w.node("Div", {x, w.weights({3, 1, 1}, 0.5f, 2)}), "each");
    EXPECT_EQ(optimized(w).applied("div_to_mul"), 2);
}

TEST(DivToMul, DeclinesAReciprocalOutOfRangeAndLeavesAConstantDividend) {
    Writer w;
    const ValueId x = w.input("x", {2, 3, 4, 4});
    w.output(w.node("Div", {w.node("Mul", {x, w.constant({}, {1e-38f})}), w.constant({}, {1e-39f})}), "small");
    w.output(w.node("Div", {w.constant({}, {1}), w.node("Exp", {x})}), "reciprocal");
    const Outcome outcome = optimized(w, {"affine_to_depthwise"});
    EXPECT_EQ(outcome.applied("div_to_mul"), 0);
    EXPECT_THAT(outcome.reasons("div_to_mul"), ElementsAre("a reciprocal leaves the range of float32"));
}

}  // namespace
}  // namespace calotype::optimize::tests
