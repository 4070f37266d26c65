// pad_all_axes, explicit_pads, fold_pad, zeros_to_pad
#include <gmock/gmock.h>

#include <limits>

#include "optimize/fixture.hpp"

namespace calotype::optimize::tests {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::UnorderedElementsAre;
using Ints = std::vector<int64_t>;

const Ints& pads_of(const graph::Node& node) { return std::get<Ints>(node.attributes.at("pads")); }

TEST(PadAllAxes, HasAnEntryAnAxis) {
    Writer w;
    const ValueId x = w.node("Softmax", {w.input("x", {1, 2, 4, 5})});
    w.output(w.node("Pad", {x, w.ints({1, 2, 3, 4}), ValueId::none, w.ints({-1, 2})}), "y");
    const Outcome outcome = optimized(w);
    EXPECT_EQ(outcome.applied("pad_all_axes"), 1);
    const graph::Node& pad = outcome.only("Pad");
    ASSERT_EQ(pad.inputs.size(), 2U);
    EXPECT_THAT(outcome.graph.value(pad.inputs[1]).constant->values<int64_t>(), ElementsAre(0, 0, 2, 1, 0, 0, 4, 3));
}

TEST(PadAllAxes, LeavesAxesThatAreComputed) {
    Writer w;
    const ValueId axis = w.node("Cast", {w.input("a", {1})}, {{"to", int64_t{7}}});
    w.output(w.node("Pad", {w.input("x", {1, 2, 4, 5}), w.ints({1, 1}), ValueId::none, axis}), "y");
    const Outcome outcome = optimized(w);
    EXPECT_EQ(outcome.applied("pad_all_axes"), 0);
    EXPECT_THAT(outcome.reasons("pad_all_axes"), ElementsAre("the rank, pads or axes are known only at run time"));
}

// ONNX Runtime takes the Transpose of the MatMul's convolution past a Pad as if its axes were 0, 1, 2, 3.
TEST(SinkTransposePastAxes, LeavesThePadWithoutAxes) {
    Writer w;
    const ValueId rows = w.node("MatMul", {w.input("x", {1, 6, 7, 1}), w.weights({1, 6})});
    const ValueId turned = w.node("Transpose", {rows}, {{"perm", Ints{0, 2, 1, 3}}});
    w.output(w.node("Pad", {turned, w.ints({0, 2, 0, 2, 0, 0, 1, 1})}), "y");
    const Outcome outcome = optimized(w);
    EXPECT_EQ(outcome.only("Pad").inputs.size(), 2U);
}

TEST(ExplicitPads, SameUpperAndLowerDifferInTheOddPixel) {
    for (const auto& [mode, pads] : std::map<std::string, Ints>{
             {"SAME_UPPER", {0, 1, 1, 1}}, {"SAME_LOWER", {1, 1, 0, 1}}, {"VALID", {0, 0, 0, 0}}}) {
        Writer w;
        const ValueId x = w.input("x", {1, 2, 8, 7});
        const Attributes attributes{{"auto_pad", mode}, {"strides", Ints{2, 2}}, {"kernel_shape", Ints{3, 3}}};
        w.output(w.node("Conv", {x, w.weights({3, 2, 3, 3})}, attributes), "y");
        w.output(w.node("MaxPool", {w.node("Relu", {x})}, attributes), "z");
        const Outcome outcome = optimized(w);
        EXPECT_EQ(pads_of(outcome.only("Conv")), pads) << mode;
        EXPECT_EQ(pads_of(outcome.only("MaxPool")), pads) << mode;
        EXPECT_FALSE(outcome.only("Conv").attributes.contains("auto_pad"));
    }
}

TEST(ExplicitPads, OfAnAveragePoolMayCutOffWhatItsStrideLeavesOut) {
    for (const std::string mode : {"SAME_UPPER", "SAME_LOWER"}) {
        Writer w;
        const Attributes attributes{{"auto_pad", mode}, {"strides", Ints{4, 5}}, {"kernel_shape", Ints{2, 1}}};
        w.output(w.node("AveragePool", {w.input("x", {1, 2, 8, 15})}, attributes), "y");  // totals -2 and -4
        const Outcome outcome = optimized(w);
        EXPECT_THAT(pads_of(outcome.only("AveragePool")), Each(0)) << mode;
        EXPECT_THAT(outcome.ops, ElementsAre("Slice", "AveragePool")) << mode;
    }
}

TEST(ExplicitPads, OfAConvAreNeverNegative) {
    Writer w;
    const Attributes attributes{{"auto_pad", std::string("SAME_UPPER")}, {"strides", Ints{4, 4}}};
    w.output(w.node("Conv", {w.input("x", {1, 2, 8, 8}), w.weights({3, 2, 2, 2})}, attributes), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Conv"));
}

TEST(ExplicitPads, LeavesPadsThatAreNumbers) {
    Writer w;
    const ValueId x = w.input("x", {1, 2, 8, 7});
    w.output(
        w.node("Conv", {x, w.weights({3, 2, 3, 3})}, {{"auto_pad", std::string("NOTSET")}, {"pads", Ints{1, 0, 2, 1}}}),
        "y");
    const Outcome outcome = optimized(w);
    EXPECT_EQ(outcome.applied("explicit_pads"), 0);
    EXPECT_THAT(pads_of(outcome.only("Conv")), ElementsAre(1, 0, 2, 1));
}

TEST(FoldPad, IntoConvWithPadsOfItsOwn) {
    Writer w;
    const ValueId padded = w.node("Pad", {w.input("x", {1, 2, 8, 8}), w.ints({0, 0, 0, 0, 0, 0, 1, 1})});
    w.output(w.node("Conv", {padded, w.weights({3, 2, 3, 3})}, {{"strides", Ints{2, 2}}, {"pads", Ints{1, 0, 0, 0}}}),
             "y");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, ElementsAre("Conv"));
    EXPECT_THAT(pads_of(outcome.only("Conv")), ElementsAre(1, 0, 1, 1));
    EXPECT_THAT(outcome.only("Conv").sources, ElementsAre("Pad_0", "Conv_0", "Identity_0", "out_y"));
}

TEST(FoldPad, WithAxes) {
    Writer w;
    const ValueId padded =
        w.node("Pad", {w.input("x", {1, 2, 8, 8}), w.ints({1, 2, 0, 1}), w.constant({}, {0}), w.ints({-1, 2})});
    w.output(w.node("Conv", {padded, w.weights({3, 2, 3, 3})}), "y");
    EXPECT_THAT(pads_of(optimized(w).only("Conv")), ElementsAre(2, 1, 1, 0));
}

TEST(FoldPad, DeclinesOtherPads) {
    struct Case {
        Ints pads;
        float fill;
        std::string mode, reason;
    };
    for (const Case& one : {Case{{0, 0, 1, 1, 0, 0, 1, 1}, 1, "constant", "the Pad is not of constant zeros"},
                            Case{{0, 0, 1, 1, 0, 0, 1, 1}, 0, "reflect", "the Pad is not of constant zeros"},
                            Case{{0, 1, 1, 1, 0, 1, 1, 1}, 0, "constant", "the Pad adds channels or samples"},
                            Case{{0, 0, -1, 1, 0, 0, 1, 1}, 0, "constant", "the Pad crops"}}) {
        Writer w;
        const ValueId padded = w.node("Pad", {w.input("x", {1, 2, 8, 8}), w.ints(one.pads), w.constant({}, {one.fill})},
                                      {{"mode", one.mode}});
        const int64_t channels = 2 + one.pads[1] + one.pads[5];
        w.output(w.node("Conv", {padded, w.weights({3, channels, 3, 3})}), "y");
        const Outcome outcome = optimized(w);
        EXPECT_THAT(outcome.ops, ElementsAre("Pad", "Conv"));
        EXPECT_THAT(outcome.reasons("fold_pad"), ElementsAre(one.reason));
    }
}

TEST(FoldPad, IntoAveragePoolThatThenCountsPadding) {
    Writer w;
    const ValueId padded = w.node("Pad", {w.input("x", {1, 2, 8, 8}), w.ints({0, 0, 1, 1, 0, 0, 1, 1})});
    w.output(w.node("AveragePool", {padded}, {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}}), "y");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, ElementsAre("AveragePool"));
    EXPECT_EQ(std::get<int64_t>(outcome.only("AveragePool").attributes.at("count_include_pad")), 1);
}

TEST(FoldPad, DeclinesAnAverageThatLeavesItsOwnPaddingOut) {
    Writer w;
    const ValueId padded = w.node("Pad", {w.input("x", {1, 2, 8, 8}), w.ints({0, 0, 1, 1, 0, 0, 1, 1})});
    w.output(w.node("AveragePool", {padded}, {{"kernel_shape", Ints{3, 3}}, {"pads", Ints{1, 1, 1, 1}}}), "y");
    EXPECT_THAT(optimized(w).reasons("fold_pad"), ElementsAre("the average leaves out its own padding"));
}

TEST(FoldPad, IntoMaxPoolAfterRelu) {
    Writer w;
    const ValueId x = w.node("Relu", {w.input("x", {1, 2, 8, 8})});
    const ValueId padded = w.node("Pad", {x, w.ints({0, 0, 0, 0, 0, 0, 1, 1})});
    w.output(w.node("MaxPool", {padded}, {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Relu", "MaxPool"));
}

TEST(FoldPad, DeclinesAMaxPoolOfNegativeNumbers) {
    Writer w;
    const ValueId padded = w.node("Pad", {w.input("x", {1, 2, 8, 8}), w.ints({0, 0, 1, 1, 0, 0, 1, 1})});
    w.output(w.node("MaxPool", {padded}, {{"kernel_shape", Ints{3, 3}}}), "y");
    const Outcome outcome = optimized(w, {}, -2, -1);
    EXPECT_THAT(outcome.ops, ElementsAre("Pad", "MaxPool"));
    EXPECT_THAT(outcome.reasons("fold_pad"), ElementsAre("the map may hold less than the Pad fills with"));
}

/// A MaxPool of a map of any sign, or of a ReLU's, padded with `fill`.
Outcome padded_pool(float fill, bool relu) {
    Writer w;
    ValueId x = w.input("x", {1, 2, 8, 8});
    if (relu) x = w.node("Relu", {x});
    const ValueId padded = w.node("Pad", {x, w.ints({0, 0, 1, 1, 0, 0, 1, 1}), w.constant({}, {fill})});
    w.output(w.node("MaxPool", {padded}, {{"kernel_shape", Ints{3, 3}}}), "y");
    return optimized(w, {}, -2, -1);
}

TEST(FoldPad, ASentinelBeforeAMaxPoolIsThePoolsOwnPadding) {
    for (const float fill : {-65504.0f, -1e30f, -std::numeric_limits<float>::infinity()})
        EXPECT_THAT(padded_pool(fill, false).ops, ElementsAre("MaxPool")) << fill;
    EXPECT_THAT(padded_pool(-1000, false).ops, ElementsAre("Pad", "MaxPool")) << "a map may hold less";
    EXPECT_THAT(padded_pool(-1000, true).ops, ElementsAre("Relu", "MaxPool"));
    EXPECT_THAT(padded_pool(1, true).ops, ElementsAre("Relu", "Pad", "MaxPool"));
}

TEST(FoldPad, DeclinesAPoolWindowOfPaddingAlone) {
    Writer w;
    const ValueId padded = w.node("Pad", {w.input("x", {1, 2, 8, 8}), w.ints({0, 0, 2, 2, 0, 0, 2, 2})});
    w.output(w.node("AveragePool", {padded}, {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}}), "y");
    EXPECT_THAT(optimized(w).reasons("fold_pad"), ElementsAre("a window would lie in the padding alone"));
}

TEST(ZerosToPad, AtEitherEndOfChannelsAndRows) {
    Writer w;
    const Attributes channels{{"axis", int64_t{1}}}, rows{{"axis", int64_t{-2}}};
    const auto zeros = [&](Dims dims) {
        const int64_t count = element_count(dims);
        return w.constant(std::move(dims), std::vector<float>(static_cast<size_t>(count), 0.0F));
    };
    const ValueId x = w.input("x", {2, 3, 4, 5}), y = w.input("y", {2, 2, 4, 5});
    w.output(w.node("Concat", {zeros({2, 1, 4, 5}), x, y, zeros({2, 2, 4, 5}), zeros({2, 1, 4, 5})}, channels), "c");
    w.output(w.node("Concat", {x, zeros({2, 3, 1, 5})}, rows), "r");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, UnorderedElementsAre("Concat", "Pad", "Pad"));
}

TEST(ZerosToPad, DeclinesOtherConstantsAndZerosBetween) {
    Writer w;
    const Attributes channels{{"axis", int64_t{1}}};
    const ValueId x = w.input("x", {2, 3, 2, 2}), y = w.input("y", {2, 2, 2, 2});
    w.output(w.node("Concat", {x, w.weights({2, 1, 2, 2})}, channels), "other");
    w.output(w.node("Concat", {x, w.constant({2, 1, 2, 2}, std::vector<float>(8, 0.0F)), y}, channels), "between");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, Each("Concat"));
    EXPECT_THAT(outcome.reasons("zeros_to_pad"), Each("no constant of zeros stands at an end"));
}

}  // namespace
}  // namespace calotype::optimize::tests
