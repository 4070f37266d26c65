// sink_transpose_past_axes, transpose_between_reshapes
#include <gmock/gmock.h>

#include "optimize/fixture.hpp"

namespace calotype::optimize::tests {
namespace {

using testing::ElementsAre;
using Ints = std::vector<int64_t>;

TEST(SinkTransposePastAxes, ReductionsSlicesPadsAndResizes) {
    Writer w;
    const Attributes last{{"perm", Ints{0, 2, 3, 1}}}, back{{"perm", Ints{0, 3, 1, 2}}};
    const auto turned = [&](const std::string& name) {
        return w.node("Transpose", {w.input(name, {2, 3, 4, 5})}, last);
    };
    ValueId a = w.node("Slice", {turned("a"), w.ints({1}), w.ints({4}), w.ints({2})});
    a = w.node("Pad", {a, w.ints({0, 1, 2, 0, 0, 1, 0, 1})});
    a = w.node("Resize", {a, ValueId::none, w.constant({4}, {1, 2, 2, 1})}, {{"mode", std::string("nearest")}});
    w.output(w.node("Transpose", {a}, back), "map");
    w.output(w.node("ReduceMean", {turned("b"), w.ints({1, 2})}, {{"keepdims", int64_t{0}}}), "mean");
    w.output(w.node("Transpose", {w.node("ReduceMax", {turned("c"), w.ints({-1})})}, back), "max");
    w.output(w.node("ReduceSum", {turned("d"), w.ints({1})}, {{"keepdims", int64_t{0}}}), "sum");
    const Outcome outcome = optimized(w);
    EXPECT_EQ(outcome.applied("sink_transpose_past_axes"), 6);
    EXPECT_EQ(std::ranges::count(outcome.ops, "Transpose"), 1);  // the sum's: its channels are before its columns
    EXPECT_EQ(std::ranges::count(outcome.ops, "GlobalAveragePool"), 1);
}

TEST(SinkTransposePastAxes, StaysWhereAnotherReaderNeedsIt) {
    Writer w;
    const ValueId x = w.node("Transpose", {w.input("x", {2, 3, 4, 5})}, {{"perm", Ints{0, 2, 3, 1}}});
    w.output(w.node("Slice", {x, w.ints({1}), w.ints({3}), w.ints({1})}), "y");
    w.output(x, "z");
    EXPECT_THAT(optimized(w).reasons("sink_transpose_past_axes"),
                ElementsAre("another reader needs the transposed map"));
}

TEST(SinkTransposePastAxes, InterpolationStaysAlongTheLastAxes) {
    const Attributes linear{{"mode", std::string("linear")}};
    Writer w;
    const ValueId x = w.node("Transpose", {w.input("x", {2, 3, 4, 5})}, {{"perm", Ints{0, 2, 3, 1}}});
    w.output(w.node("Resize", {x, ValueId::none, w.constant({4}, {1, 1, 2, 3})}, linear), "y");
    EXPECT_THAT(optimized(w).reasons("sink_transpose_past_axes"),
                ElementsAre("it would interpolate along the first two axes"));
    Writer other;
    const ValueId z = other.node("Transpose", {other.input("x", {2, 3, 4, 5})}, {{"perm", Ints{0, 2, 3, 1}}});
    other.output(other.node("Resize", {z, ValueId::none, other.constant({4}, {1, 2, 3, 1})}, linear), "y");
    EXPECT_EQ(optimized(other).applied("sink_transpose_past_axes"), 1);
}

// As tf2onnx leaves it when it moves the Transpose past the Tile.
TEST(TransposeBetweenReshapes, AxesCutAndMovedTogether) {
    Writer w;
    const ValueId cut = w.node("Reshape", {w.input("x", {2, 3, 8, 5}), w.ints({2, 3, 4, 2, 5})});
    const ValueId turned = w.node("Transpose", {cut}, {{"perm", Ints{0, 2, 3, 4, 1}}});
    w.output(w.node("Softmax", {w.node("Reshape", {turned, w.ints({2, 8, 5, 3})})}), "y");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, ElementsAre("Transpose", "Softmax"));
    EXPECT_EQ(std::get<Ints>(outcome.only("Transpose").attributes.at("perm")), (Ints{0, 2, 3, 1}));
}

TEST(TransposeBetweenReshapes, DeclinesAChannelShuffleAndOtherCuts) {
    Writer w;
    const ValueId x = w.input("x", {2, 6, 4, 5});
    const ValueId turned =
        w.node("Transpose", {w.node("Reshape", {x, w.ints({2, 2, 3, 4, 5})})}, {{"perm", Ints{0, 2, 1, 3, 4}}});
    w.output(w.node("Softmax", {w.node("Reshape", {turned, w.ints({2, 6, 4, 5})})}), "shuffle");
    const ValueId last = w.node("Transpose", {w.node("Reshape", {x, w.ints({2, 6, 20})})}, {{"perm", Ints{0, 2, 1}}});
    w.output(w.node("Softmax", {w.node("Reshape", {last, w.ints({2, 5, 4, 6})})}), "cut");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.reasons("transpose_between_reshapes"),
                ElementsAre("it takes an axis apart", "it takes an axis apart"));
}

}  // namespace
}  // namespace calotype::optimize::tests
