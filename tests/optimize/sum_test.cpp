// sum_to_add, sub_to_add
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

}  // namespace
}  // namespace calotype::optimize::tests
