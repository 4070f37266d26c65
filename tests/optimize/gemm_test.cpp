// matmul_to_gemm, plain_gemm; linear_to_conv's are in linear_test.cpp
#include <gmock/gmock.h>

#include "optimize/fixture.hpp"

namespace calotype::optimize::tests {
namespace {

using testing::ElementsAre;

void expect_plain(const Outcome& outcome, const Dims& weights) {
    const graph::Node& gemm = outcome.only("Gemm");
    EXPECT_EQ(std::get<int64_t>(gemm.attributes.at("transB")), 1);
    EXPECT_EQ(gemm.attributes.count("alpha") + gemm.attributes.count("beta"), 0u);
    EXPECT_EQ(outcome.graph.value(gemm.inputs.at(1)).constant->dims(), weights);
    EXPECT_EQ(outcome.graph.value(gemm.inputs.at(2)).constant->dims(), Dims{weights[0]});
}

TEST(PlainGemm, AlphaBetaAndTranspositionFold) {
    Writer w;
    const ValueId x = w.input("x", {2, 6});
    w.output(w.node("Gemm", {x, w.weights({6, 5}), w.weights({1, 5})}, {{"alpha", 0.5f}, {"beta", 2.0f}}), "y");
    expect_plain(optimized(w), {5, 6});
}

TEST(PlainGemm, AMissingBiasIsZero) {
    Writer w;
    w.output(w.node("Gemm", {w.input("x", {2, 6}), w.weights({5, 6})}, {{"transB", int64_t{1}}}), "y");
    expect_plain(optimized(w), {5, 6});
}

TEST(PlainGemm, DeclinesWeightsOfTheRunAndATurnedInput) {
    Writer w;
    const ValueId x = w.input("x", {6, 2}), b = w.input("b", {2, 5});
    w.output(w.node("Gemm", {x, b}), "y");
    w.output(w.node("Gemm", {x, w.weights({6, 5})}, {{"transA", int64_t{1}}}), "z");
    EXPECT_THAT(optimized(w).reasons("plain_gemm"),
                ElementsAre("the weights are computed at run time", "it transposes its input"));
}

TEST(PlainGemm, DeclinesABiasForEachSample) {
    Writer w;
    w.output(w.node("Gemm", {w.input("x", {2, 6}), w.weights({6, 5}), w.weights({2, 5})}), "y");
    EXPECT_THAT(optimized(w).reasons("plain_gemm"),
                ElementsAre("the bias is computed at run time or has not one entry an output"));
}

// As in mnist-8: both sides of the product reshaped, the bias added behind.
TEST(MatMulToGemm, ReshapedMapTimesReshapedWeightsPlusBias) {
    Writer w;
    const ValueId x = w.node("MaxPool", {w.input("x", {1, 4, 4, 4})}, {{"kernel_shape", std::vector<int64_t>{2, 2}}});
    const ValueId flat = w.node("Reshape", {x, w.ints({1, 36})});
    const ValueId weights = w.node("Reshape", {w.weights({4, 3, 3, 5}), w.ints({36, 5})});
    w.output(w.node("Add", {w.node("MatMul", {flat, weights}), w.weights({1, 5})}), "y");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, ElementsAre("MaxPool", "Flatten", "Gemm"));
    expect_plain(outcome, {5, 36});
    EXPECT_THAT(outcome.only("Gemm").sources, testing::IsSupersetOf({"MatMul_0", "Add_0"}));
}

TEST(MatMulToGemm, DeclinesTwoActivationsAndThreeAxes) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 6});
    w.output(w.node("MatMul", {x, w.input("b", {1, 6, 3})}), "y");
    w.output(w.node("MatMul", {x, w.weights({6, 3})}), "z");
    const Outcome outcome = optimized(w, {"linear_to_conv"});
    EXPECT_THAT(outcome.ops, ElementsAre("MatMul", "MatMul"));
    EXPECT_THAT(outcome.reasons("matmul_to_gemm"),
                testing::UnorderedElementsAre("both factors are computed at run time",
                                              "the input has not the two axes [batch, features]"));
}

}  // namespace
}  // namespace calotype::optimize::tests
