// min_max_to_clip, merge_clips, clip_to_relu, hard_sigmoid_from_clip
#include <gmock/gmock.h>

#include <limits>

#include "optimize/fixture.hpp"

namespace calotype::optimize::tests {
namespace {

using testing::ElementsAre;

ValueId clip(Writer& w, ValueId x, float lo, float hi) {
    return w.node("Clip", {x, w.constant({}, {lo}), w.constant({}, {hi})});
}

float bound(const Outcome& outcome, size_t index) {
    return outcome.graph.value(outcome.only("Clip").inputs.at(index)).constant->values<float>()[0];
}

TEST(MinMaxToClip, BothMakeOneClip) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 4, 4});
    w.output(w.node("Min", {w.constant({}, {0.75f}), w.node("Max", {x, w.constant({1}, {-0.5f})})}), "y");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, ElementsAre("Clip"));
    EXPECT_EQ(bound(outcome, 1), -0.5f);
    EXPECT_EQ(bound(outcome, 2), 0.75f);
    EXPECT_THAT(outcome.only("Clip").sources, testing::IsSupersetOf({"Max_0", "Min_0"}));
}

TEST(MinMaxToClip, OfTwoComputedValuesStays) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 4, 4}), z = w.input("z", {1, 3, 4, 4});
    w.output(w.node("Max", {x, z}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Max"));
}

TEST(MinMaxToClip, DeclinesABoundForEachChannel) {
    Writer w;
    w.output(w.node("Max", {w.input("x", {1, 3, 4, 4}), w.weights({3, 1, 1})}), "y");
    EXPECT_THAT(optimized(w).reasons("min_max_to_clip"), ElementsAre("the bound is not one number"));
}

TEST(MergeClips, ReluThenClip6) {
    Writer w;
    w.output(clip(w, w.node("Relu", {w.input("x", {1, 3, 4, 4})}), -1, 1), "y");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, ElementsAre("Clip"));
    EXPECT_EQ(bound(outcome, 1), 0);
    EXPECT_EQ(bound(outcome, 2), 1);
}

TEST(MergeClips, OneStandsForALongChain) {
    Writer w;
    ValueId x = w.input("x", {1, 3, 4, 4});
    std::vector<std::string> names;
    for (int64_t i = 0; i < 400; ++i) {
        x = clip(w, x, -1, 1);
        names.push_back("Clip_" + std::to_string(i));
    }
    w.output(x, "y");
    std::vector<std::string> sources = optimized(w).only("Clip").sources;
    sources.resize(names.size());  // the output's name stands behind them
    EXPECT_EQ(sources, names);
}

TEST(MergeClips, DisjointRangesGiveTheOuterEdge) {
    Writer w;
    w.output(clip(w, clip(w, w.input("x", {1, 3, 4, 4}), -1, -0.5f), 0.25f, 1), "y");
    const Outcome outcome = optimized(w);
    EXPECT_EQ(bound(outcome, 1), 0.25f);
    EXPECT_EQ(bound(outcome, 2), 0.25f);
}

TEST(MergeClips, DeclinesWhereTheInnerResultIsRead) {
    Writer w;
    const ValueId inner = clip(w, w.input("x", {1, 3, 4, 4}), -1, 1);
    w.output(w.node("Add", {clip(w, inner, 0, 0.5f), inner}), "y");
    EXPECT_THAT(optimized(w).reasons("merge_clips"), ElementsAre("another reader needs the inner result"));
}

TEST(ClipToRelu, OpenAndLargestUpperBound) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 4, 4});
    w.output(w.node("Clip", {x, w.constant({}, {0})}), "a");
    w.output(clip(w, w.node("Neg", {x}), 0, std::numeric_limits<float>::max()), "b");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, testing::UnorderedElementsAre("Relu", "Neg", "Relu"));
}

TEST(ClipToRelu, LeavesBoundsThatBind) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 4, 4});
    w.output(clip(w, x, 0, 1), "above");
    w.output(clip(w, x, -1, std::numeric_limits<float>::max()), "below");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Clip", "Clip"));
}

TEST(HardSigmoidFromClip, AsExportersWriteIt) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 4, 4}), gated = w.input("gated", {1, 3, 4, 4});
    const ValueId clipped = clip(w, w.node("Add", {x, w.constant({}, {3})}), 0, 6);
    w.output(w.node("Mul", {gated, w.node("Div", {clipped, w.constant({}, {6})})}), "y");
    const Outcome outcome = optimized(w, {}, -5, 5);
    EXPECT_THAT(outcome.ops, ElementsAre("HardSigmoid", "Mul"));
}

TEST(HardSigmoidFromClip, DeclinesAnotherEnd) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 4, 4});
    const ValueId clipped = clip(w, w.node("Add", {x, w.constant({}, {3})}), 0, 6);
    w.output(w.node("Mul", {clipped, w.constant({}, {0.5f})}), "y");
    EXPECT_THAT(optimized(w, {"affine_to_depthwise"}, -5, 5).reasons("hard_sigmoid_from_clip"),
                ElementsAre("it does not end at 1"));
}

}  // namespace
}  // namespace calotype::optimize::tests
