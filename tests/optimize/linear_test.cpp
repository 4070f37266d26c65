// linear_to_conv
#include <gmock/gmock.h>

#include "optimize/fixture.hpp"

namespace calotype::optimize::tests {
namespace {

using testing::ElementsAre;
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

}  // namespace
}  // namespace calotype::optimize::tests
