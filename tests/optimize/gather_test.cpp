// gather_nd_to_gather, gather_to_slice, gather_to_resize, channel_repeat_to_gather, reverse_slice_to_gather
#include <gmock/gmock.h>

#include "optimize/fixture.hpp"

namespace calotype::optimize::tests {
namespace {

using testing::Each;
using testing::ElementsAre;
using Ints = std::vector<int64_t>;

ValueId gather(Writer& w, ValueId x, ValueId indices, int64_t axis) {
    return w.node("Gather", {x, indices}, {{"axis", axis}});
}
ValueId index(Writer& w, int64_t i) {
    return w.graph.add_constant(w.graph.unused_value_name("index"), Tensor::of<int64_t>({}, std::vector<int64_t>{i}));
}

ValueId table(Writer& w, Dims dims, const Ints& indices) {
    return w.graph.add_constant(w.graph.unused_value_name("table"), Tensor::of<int64_t>(std::move(dims), indices));
}

// PyTorch's x[:, [2, 0, 1]] and x[:, :, [1, 1, 0]][:, :, :, [3, 2]]; one sample alone makes the first Transpose a
// Reshape.
TEST(GatherNdToGather, ListsOfIndicesBetweenTransposes) {
    for (const int64_t samples : {1, 2}) {
        Writer w;
        const Attributes channels_first{{"perm", Ints{1, 0, 2, 3}}}, pixels_first{{"perm", Ints{2, 3, 0, 1}}};
        const ValueId a = w.node("Transpose", {w.input("a", {samples, 3, 4, 5})}, channels_first);
        w.output(w.node("Transpose", {w.node("GatherND", {a, table(w, {3, 1}, {2, 0, 1})})}, channels_first), "c");
        const ValueId b = w.node("Transpose", {w.input("b", {samples, 3, 4, 5})}, pixels_first);
        const ValueId grid = table(w, {3, 2, 2}, {1, 3, 1, 2, 1, 3, 1, 2, 0, 3, 0, 2});
        w.output(w.node("Transpose", {w.node("GatherND", {b, grid})}, pixels_first), "d");
        EXPECT_THAT(optimized(w).ops, ElementsAre("Gather", "Gather", "Gather"));
    }
}

TEST(GatherNdToGather, DeclinesPointsAndIndicesOfEachSample) {
    Writer w;
    const ValueId x = w.input("x", {2, 3, 4});
    w.output(w.node("GatherND", {x, table(w, {2, 2, 2}, {0, 1, 0, 2, 1, 1, 1, 0})}), "no grid");
    w.output(w.node("GatherND", {x, table(w, {2, 2}, {0, 1, 1, 2})}), "points");
    w.output(w.node("GatherND", {x, table(w, {2, 1}, {0, 1})}, {{"batch_dims", int64_t{1}}}), "of each sample");
    EXPECT_THAT(optimized(w).reasons("gather_nd_to_gather"),
                testing::UnorderedElementsAre("its indices are no grid of rows and columns",
                                              "its indices are no grid of rows and columns",
                                              "it has indices of its own for each sample"));
}

TEST(GatherToSlice, OneIndexAndEvenSteps) {
    Writer w;
    const ValueId x = w.input("x", {2, 5, 6, 4});
    w.output(gather(w, x, index(w, -2), 1), "one");
    w.output(gather(w, x, w.ints({1, 3, 5}), 2), "even");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Slice", "Reshape", "Slice"));
}

// torchvision's Inception: each channel taken out, scaled and shifted, and put back.
TEST(GatherToSlice, ChannelsOneByOne) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 6, 6});
    std::vector<ValueId> channels;
    for (int64_t i = 0; i < 3; ++i) {
        const ValueId channel = w.node("Unsqueeze", {gather(w, x, index(w, i), 1), w.ints({1})});
        channels.push_back(w.node("Add", {w.node("Mul", {channel, w.weights({})}), w.weights({})}));
    }
    w.output(w.node("Conv", {w.node("Concat", channels, {{"axis", int64_t{1}}}), w.weights({4, 3, 3, 3})}), "y");
    const Outcome outcome = optimized(w);
    EXPECT_EQ(std::ranges::count(outcome.ops, "Slice"), 3);
    EXPECT_EQ(std::ranges::count(outcome.ops, "Gather") + std::ranges::count(outcome.ops, "Reshape"), 0);
}

TEST(GatherToSlice, DeclinesSamplesTablesAndUnevenSteps) {
    Writer w;
    const ValueId x = w.input("x", {2, 5, 6, 4});
    w.output(gather(w, x, index(w, 0), 0), "sample");
    w.output(gather(w, x, w.ints({0, 3, 4}), 1), "uneven");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, Each("Gather"));
    EXPECT_THAT(outcome.reasons("gather_to_slice"),
                ElementsAre("it gathers samples, or in a table", "its indices do not rise evenly"));
}

TEST(GatherToResize, RowsAndColumnsByIndices) {
    Writer w;
    const ValueId x = w.input("x", {2, 5, 3, 2});
    w.output(gather(w, gather(w, x, w.ints({0, 0, 1, 1, 2, 2}), 2), w.ints({0, 0, 0, 1, 1, 1}), -1), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Resize", "Resize"));
}

TEST(GatherToResize, DeclinesUnevenRepetition) {
    Writer w;
    const ValueId x = w.input("x", {2, 5, 3, 2});
    w.output(gather(w, x, w.ints({0, 0, 1, 2, 2, 2}), 2), "uneven");
    w.output(gather(w, x, w.ints({2, 2, 1, 1, 0, 0}), 2), "backwards");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, Each("Gather"));
    EXPECT_THAT(outcome.reasons("gather_to_resize"), Each("its indices do not repeat each pixel equally often"));
}

// PyTorch's repeat_interleave and repeat over the channels.
TEST(ChannelRepeatToGather, EachChannelAndAllInTurn) {
    Writer w;
    const ValueId x = w.node("Unsqueeze", {w.input("x", {2, 3, 4, 5}), w.ints({2})});
    w.output(w.node("Reshape", {w.node("Expand", {x, w.ints({2, 3, 4, 4, 5})}), w.ints({2, 12, 4, 5})}), "each");
    w.output(w.node("Tile", {w.input("z", {2, 3, 4, 5}), w.ints({1, 2, 1, 1})}), "all");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Gather", "Gather"));
}

TEST(ChannelRepeatToGather, DeclinesMoreThanChannels) {
    Writer w;
    w.output(w.node("Tile", {w.input("x", {2, 3, 4, 5}), w.ints({1, 2, 2, 1})}), "pixels");
    w.output(w.node("Tile", {w.input("z", {2, 3, 4, 5}), w.ints({2, 2, 1, 1})}), "samples");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, Each("Tile"));
    EXPECT_THAT(outcome.reasons("channel_repeat_to_gather"), Each("it repeats more than channels"));
}

TEST(ReverseSliceToGather, AFlipOfTheChannels) {
    for (const int64_t start : {int64_t{-1}, int64_t{100}, int64_t{4}}) {
        Writer w;
        const ValueId x = w.input("x", {2, 5, 3, 4});
        const ValueId y = w.node("Slice", {x, w.ints({start}), w.ints({INT64_MIN}), w.ints({1}), w.ints({-1})});
        w.output(y, "y");
        EXPECT_THAT(optimized(w).ops, ElementsAre("Gather")) << start;
    }
}

TEST(ReverseSliceToGather, DeclinesAFlipOfTheColumns) {
    Writer w;
    const ValueId x = w.input("x", {2, 5, 3, 4});
    w.output(w.node("Slice", {x, w.ints({-1}), w.ints({INT64_MIN}), w.ints({3}), w.ints({-1})}), "y");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, ElementsAre("Slice"));
    EXPECT_THAT(outcome.reasons("reverse_slice_to_gather"), ElementsAre("it reverses another axis than the channels"));
}

TEST(ReverseSliceToGather, DeclinesColumnsAndPartsOfTheChannels) {
    Writer w;
    const auto back = [&](ValueId x, int64_t start) {
        return w.node("Slice", {x, w.ints({start}), w.ints({INT64_MIN}), w.ints({1}), w.ints({-1})});
    };
    w.output(back(w.input("x", {2, 12}), -1), "columns");
    w.output(back(w.input("z", {2, 5, 3, 4}), 2), "part");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, Each("Slice"));
    EXPECT_THAT(outcome.reasons("reverse_slice_to_gather"), Each("it reverses columns, or a part of the channels"));
}

TEST(ReverseSliceToGather, DeclinesTwoAxesAtOnce) {
    Writer w;
    const ValueId x = w.input("x", {2, 5, 3, 4});
    w.output(w.node("Slice", {x, w.ints({-1, -1}), w.ints({INT64_MIN, INT64_MIN}), w.ints({1, 2}), w.ints({-1, -1})}),
             "y");
    EXPECT_THAT(optimized(w).reasons("reverse_slice_to_gather"), ElementsAre("it slices more than one axis"));
}

}  // namespace
}  // namespace calotype::optimize::tests
