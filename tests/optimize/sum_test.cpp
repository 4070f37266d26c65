// sum_to_add, sub_to_add, broadcast_add_to_resize
#include <gmock/gmock.h>

#include "optimize/fixture.hpp"

namespace calotype::optimize::tests {
namespace {

using testing::ElementsAre;

TEST(SumToAdd, ManyMapsFromTheLeft) {
    Writer w;
    const Dims dims{2, 3, 4, 4};
    w.output(w.node("Sum", {w.input("a", dims), w.input("b", dims), w.input("c", dims), w.input("d", dims)}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Add", "Add", "Add"));
}

TEST(SumToAdd, DeclinesMapsOfTwoShapes) {
    Writer w;
    w.output(w.node("Sum", {w.input("a", {2, 3, 4, 4}), w.input("b", {2, 1, 4, 4})}), "y");
    EXPECT_THAT(optimized(w).reasons("sum_to_add"), ElementsAre("its maps differ in shape"));
}

TEST(SubToAdd, TheSignFoldsIntoWhatMakesTheSubtrahend) {
    Writer w;
    const ValueId x = w.input("x", {2, 3, 6, 6});
    const ValueId a = w.node("Conv", {x, w.weights({4, 3, 3, 3})}), b = w.node("Conv", {x, w.weights({4, 3, 3, 3})});
    w.output(w.node("Sub", {a, b}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Conv", "Conv", "Add"));
}

TEST(SubToAdd, DeclinesABroadcastMap) {
    Writer w;
    w.output(w.node("Sub", {w.input("a", {2, 3, 4, 4}), w.input("b", {2, 3, 1, 1})}), "y");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, ElementsAre("Sub"));
    EXPECT_THAT(outcome.reasons("sub_to_add"), ElementsAre("one map is broadcast"));
}

TEST(BroadcastAddToResize, PixelsOfEitherMapAreRepeated) {
    const std::pair<Dims, Dims> shapes[] = {{{2, 3, 4, 6}, {2, 3, 1, 1}},
                                            {{2, 3, 1, 1}, {2, 3, 4, 6}},
                                            {{2, 3, 4, 6}, {2, 3, 4, 1}},
                                            {{2, 3, 5}, {2, 3, 1}}};
    for (const auto& [a, b] : shapes) {
        Writer w;
        w.output(w.node("Add", {w.input("a", a), w.input("b", b)}), "y");
        EXPECT_THAT(optimized(w).ops, ElementsAre("Resize", "Add"));
    }
    Writer w;
    w.output(w.node("Add", {w.input("a", {2, 3, 4, 1}), w.input("b", {2, 3, 1, 6})}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Resize", "Resize", "Add"));
}

TEST(BroadcastAddToResize, DeclinesChannelsAndSamples) {
    for (const Dims& b : {Dims{2, 1, 4, 4}, Dims{1, 3, 4, 4}, Dims{4, 4}}) {
        Writer w;
        w.output(w.node("Add", {w.input("a", {2, 3, 4, 4}), w.input("b", b)}), "y");
        const Outcome outcome = optimized(w);
        EXPECT_THAT(outcome.ops, ElementsAre("Add"));
        EXPECT_THAT(outcome.reasons("broadcast_add_to_resize"), ElementsAre("more than pixels is repeated"));
    }
}

}  // namespace
}  // namespace calotype::optimize::tests
