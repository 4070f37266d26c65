// sum_to_add, sub_to_add, broadcast_to_resize
#include <gmock/gmock.h>

#include "optimize/fixture.hpp"

namespace calotype::optimize::tests {
namespace {

using testing::ElementsAre;
using testing::IsSupersetOf;
using Ints = std::vector<int64_t>;

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

TEST(SubToAdd, AConstantMapLessWhatAConvolutionMakes) {
    for (const Dims& dims : {Dims{4, 6, 6}, Dims{1, 1, 1, 6}}) {
        Writer w;
        const ValueId y = w.node("Conv", {w.input("x", {2, 3, 6, 6}), w.weights({4, 3, 1, 1})});
        w.output(w.node("Sub", {w.weights(dims), y}), "y");
        EXPECT_THAT(optimized(w).ops, ElementsAre("Conv", "Add"));
    }
}

TEST(SubToAdd, DeclinesAConstantThatWidensTheResult) {
    Writer w;
    w.output(w.node("Sub", {w.weights({4, 6, 6}), w.input("x", {2, 4, 6, 1})}), "y");
    const Outcome outcome = optimized(w, {"broadcast_to_resize"});
    EXPECT_THAT(outcome.ops, ElementsAre("Sub"));
    EXPECT_THAT(outcome.reasons("sub_to_add"), ElementsAre("the constant makes the map larger"));
}

TEST(SubToAdd, DeclinesABroadcastMap) {
    Writer w;
    w.output(w.node("Sub", {w.input("a", {2, 3, 4, 4}), w.input("b", {2, 1, 4, 4})}), "y");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, ElementsAre("Sub"));
    EXPECT_THAT(outcome.reasons("sub_to_add"), ElementsAre("one map is broadcast"));
}

// y - y.mean(...) of PyTorch.
TEST(SubToAdd, AMapWithoutItsMean) {
    for (const Ints& axes : {Ints{2, 3}, Ints{3}}) {
        Writer w;
        const ValueId x = w.node("Relu", {w.node("Conv", {w.input("x", {2, 3, 6, 6}), w.weights({4, 3, 3, 3})})});
        const ValueId mean = w.node("ReduceMean", {x, w.ints(axes)});
        w.output(w.node("Sub", {x, mean}), "y");
        const Outcome outcome = optimized(w);
        EXPECT_EQ(std::ranges::count(outcome.ops, "Sub"), 0);
        EXPECT_THAT(outcome.ops, IsSupersetOf({"Resize", "Add"}));
    }
}

TEST(BroadcastToResize, PixelsOfEitherMapAreRepeated) {
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

TEST(BroadcastToResize, OneChannelIsAddedToAll) {
    Writer w;
    w.output(w.node("Add", {w.input("a", {2, 3, 4, 4}), w.input("b", {2, 1, 4, 4})}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Gather", "Add"));
    Writer v;
    v.output(v.node("Add", {v.input("a", {2, 1, 1, 4}), v.input("b", {2, 3, 4, 4})}), "y");
    EXPECT_THAT(optimized(v).ops, ElementsAre("Resize", "Gather", "Add"));
}

// Coordinate attention: a factor for each row and one for each column of a channel.
TEST(BroadcastToResize, AFactorARowAndAFactorAColumn) {
    Writer w;
    const ValueId x = w.input("x", {2, 3, 4, 6});
    const ValueId rows = w.node("Mul", {x, w.input("r", {2, 3, 4, 1})});
    w.output(w.node("Mul", {rows, w.input("c", {2, 3, 1, 6})}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Resize", "Mul", "Resize", "Mul"));
}

TEST(BroadcastToResize, AFactorAPixelIsALayer) {
    Writer w;
    w.output(w.node("Mul", {w.input("a", {2, 3, 4, 4}), w.input("b", {2, 1, 4, 4})}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Mul"));
    Writer v;
    v.output(v.node("Mul", {v.input("a", {2, 3, 4, 4}), v.input("b", {2, 1, 1, 4})}), "y");
    EXPECT_THAT(optimized(v).ops, ElementsAre("Resize", "Mul"));
}

TEST(BroadcastToResize, DeclinesSamplesAndTheChannelsOfAProduct) {
    const std::pair<const char*, Dims> cases[] = {
        {"Add", {1, 3, 4, 4}}, {"Add", {4, 4}}, {"Mul", {2, 3, 1, 1}}, {"Mul", {1, 3, 4, 1}}};
    for (const auto& [op, b] : cases) {
        Writer w;
        w.output(w.node(op, {w.input("a", {2, 3, 4, 4}), w.input("b", b)}), "y");
        const Outcome outcome = optimized(w);
        EXPECT_THAT(outcome.ops, ElementsAre(op));
        EXPECT_THAT(outcome.reasons("broadcast_to_resize"),
                    ElementsAre("more than pixels, or the channels of a product, would be repeated"));
    }
}

}  // namespace
}  // namespace calotype::optimize::tests
