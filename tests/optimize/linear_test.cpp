// linear_to_conv, rows_to_batch, left_matmul_to_conv
#include <gmock/gmock.h>

#include "optimize/fixture.hpp"

namespace calotype::optimize::tests {
namespace {

using testing::ElementsAre;
using testing::IsSupersetOf;
using testing::UnorderedElementsAre;

const Attributes kGelu{{"approximate", std::string("none")}};

// A block's perceptron in a transformer: both layers, biases and the activation between them.
TEST(LinearToConv, TwoLayersMeetAsConvolutions) {
    for (const Dims& dims : {Dims{2, 5, 6}, Dims{2, 3, 4, 6}, Dims{1, 2, 3, 2, 6}}) {
        Writer w;
        const ValueId x = w.input("x", dims);
        ValueId y = w.node("Add", {w.node("MatMul", {x, w.weights({6, 8})}), w.weights({8})});
        y = w.node("Gelu", {y}, kGelu);
        y = w.node("Mul", {w.node("Add", {w.weights({4}), w.node("MatMul", {y, w.weights({8, 4})})}), w.weights({4})});
        w.output(y, "y");
        EXPECT_THAT(optimized(w).ops, ElementsAre("Transpose", "Conv", "Gelu", "Conv", "Transpose"));
    }
}

TEST(LinearToConv, OneStepTakesItsBias) {
    Writer w;
    w.output(w.node("Add", {w.node("MatMul", {w.input("x", {2, 1, 6}), w.weights({6, 8})}), w.weights({8})}), "y");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, ElementsAre("Reshape", "Conv", "Reshape"));
    EXPECT_EQ(outcome.only("Conv").inputs.size(), 3u);
}

// As Keras' Dense layers come out: rows of all samples and steps, one matrix.
TEST(LinearToConv, RowsOfAllSamplesAndSteps) {
    Writer w;
    const ValueId rows = w.node("Reshape", {w.input("x", {2, 5, 6}), w.ints({-1, 6})});
    const ValueId made = w.node("Reshape", {w.node("MatMul", {rows, w.weights({6, 8})}), w.ints({2, 5, 8})});
    w.output(w.node("Relu", {w.node("Add", {made, w.weights({8})})}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Transpose", "Conv", "Relu", "Transpose"));
}

TEST(LinearToConv, DeclinesWhatIsNoLinearLayerOfTheSample) {
    Writer w;
    const ValueId x = w.input("x", {2, 5, 6});
    w.output(w.node("MatMul", {x, w.input("b", {2, 6, 3})}), "computed");
    w.output(w.node("MatMul", {x, w.weights({2, 6, 3})}), "many");
    w.output(w.node("MatMul", {w.node("Transpose", {x}, {{"perm", std::vector<int64_t>{1, 0, 2}}}), w.weights({6, 3})}),
             "turned");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.reasons("linear_to_conv"),
                UnorderedElementsAre("the second factor is no constant matrix",
                                     "the second factor is no constant matrix", "its first axis is not the batch"));
}

TEST(LinearToConv, DeclinesRowsThatOthersRead) {
    Writer w;
    const ValueId rows = w.node("Reshape", {w.input("x", {2, 5, 6}), w.ints({-1, 6})});
    const ValueId made = w.node("Gemm", {rows, w.weights({6, 8})});
    w.output(w.node("Reshape", {made, w.ints({2, 5, 8})}), "y");
    w.output(w.node("Abs", {made}), "z");
    EXPECT_THAT(optimized(w).reasons("linear_to_conv"), ElementsAre("another reader needs the rows"));
}

// nn.MultiheadAttention: the steps in front of the batch, which is 1.
TEST(RowsToBatch, StepsInFrontOfTheBatch) {
    Writer w;
    const ValueId x = w.input("x", {1, 5, 6});
    const ValueId steps = w.node("Transpose", {x}, {{"perm", std::vector<int64_t>{1, 0, 2}}});
    const ValueId y = w.node("Add", {w.weights({8}), w.node("MatMul", {steps, w.weights({6, 8})})});
    w.output(w.node("Softmax", {y}, {{"axis", int64_t{0}}}), "y");
    const Outcome outcome = optimized(w);
    EXPECT_EQ(outcome.applied("rows_to_batch"), 1);
    EXPECT_THAT(outcome.ops, IsSupersetOf({"Conv", "Softmax"}));
    EXPECT_EQ(std::ranges::count(outcome.ops, "MatMul") + std::ranges::count(outcome.ops, "Add"), 0);
    EXPECT_EQ(outcome.only("Conv").inputs.size(), 3u);
}

// Attention within windows, and the rows of a Gemm with a bias.
TEST(RowsToBatch, WindowsAndRows) {
    Writer w;
    ValueId x = w.node("Reshape", {w.input("x", {1, 4, 6, 6}), w.ints({1, 2, 2, 2, 3, 6})});
    x = w.node("Transpose", {x}, {{"perm", std::vector<int64_t>{0, 1, 3, 2, 4, 5}}});
    const ValueId windows = w.node("Reshape", {x, w.ints({4, 6, 6})});
    w.output(w.node("Softmax", {w.node("MatMul", {windows, w.weights({6, 3})})}, {{"axis", int64_t{1}}}), "windows");
    const ValueId rows = w.node("Reshape", {windows, w.ints({24, 6})});
    const ValueId made = w.node("Gemm", {rows, w.weights({6, 3}), w.weights({3})});
    w.output(w.node("Softmax", {made}, {{"axis", int64_t{0}}}), "rows");
    const Outcome outcome = optimized(w);
    EXPECT_EQ(outcome.applied("rows_to_batch"), 2);
    EXPECT_EQ(std::ranges::count(outcome.ops, "Conv"), 2);
}

TEST(RowsToBatch, DeclinesBatchesAndSamples) {
    Writer w;
    const ValueId x = w.input("x", {2, 5, 6});
    const ValueId steps = w.node("Transpose", {x}, {{"perm", std::vector<int64_t>{1, 0, 2}}});
    w.output(w.node("MatMul", {steps, w.weights({6, 8})}), "y");
    EXPECT_THAT(optimized(w).reasons("rows_to_batch"), ElementsAre("the batch is not 1"));
    Writer v;
    v.output(v.node("Gemm", {v.input("x", {1, 6}), v.weights({6, 8}), v.weights({8})}), "y");
    EXPECT_THAT(optimized(v).reasons("rows_to_batch"), ElementsAre("its first axis is the batch"));
}

TEST(LeftMatMulToConv, AMatrixOverTheChannels) {
    for (const Dims& matrix : {Dims{4, 6}, Dims{1, 4, 6}}) {
        Writer w;
        w.output(w.node("Relu", {w.node("MatMul", {w.weights(matrix), w.input("x", {2, 6, 5})})}), "y");
        EXPECT_THAT(optimized(w).ops, ElementsAre("Conv", "Relu"));
    }
}

TEST(LeftMatMulToConv, DeclinesSeveralMatricesAndFlatInputs) {
    Writer w;
    w.output(w.node("MatMul", {w.weights({2, 4, 6}), w.input("x", {2, 6, 5})}), "one each");
    w.output(w.node("MatMul", {w.weights({4, 6}), w.input("z", {6, 5})}), "flat");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, ElementsAre("MatMul", "MatMul"));
    EXPECT_THAT(
        outcome.reasons("left_matmul_to_conv"),
        UnorderedElementsAre("the first factor is no matrix", "the input has not the axes [batch, channels, steps]"));
}

}  // namespace
}  // namespace calotype::optimize::tests
