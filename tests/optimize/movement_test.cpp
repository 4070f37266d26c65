// gather_nd_to_gather, gather_to_slice, gather_to_resize, channel_repeat_to_gather, reverse_slice_to_gather, repeat_to_resize, sink_transpose_past_axes, transpose_between_reshapes,
// resize_of_one_pixel, resize_by_factors, resize_and_crop
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

// PyTorch's x[:, [2, 0, 1]] and x[:, :, [1, 1, 0]][:, :, :, [3, 2]]; one sample alone makes the first Transpose a Reshape.
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

// As Keras' UpSampling2D comes out of tf2onnx: channels last, one axis at a time.
TEST(RepeatToResize, RowsThenColumnsBetweenTransposes) {
    Writer w;
    const ValueId x = w.node("Transpose", {w.input("x", {2, 3, 4, 5})}, {{"perm", Ints{0, 2, 3, 1}}});
    ValueId y = w.node("Tile", {w.node("Reshape", {x, w.ints({-1, 4, 1, 5, 3})}), w.ints({1, 1, 2, 1, 1})});
    y = w.node("Reshape", {w.node("Reshape", {y, w.ints({-1, 8, 5, 3})}), w.ints({-1, 8, 5, 1, 3})});
    y = w.node("Reshape", {w.node("Tile", {y, w.ints({1, 1, 1, 3, 1})}), w.ints({-1, 8, 15, 3})});
    w.output(w.node("Transpose", {y}, {{"perm", Ints{0, 3, 1, 2}}}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Resize", "Resize"));
}

// PyTorch's repeat_interleave over the channels.
TEST(RepeatToResize, ChannelsAreGathered) {
    Writer w;
    const ValueId x = w.node("Unsqueeze", {w.input("x", {2, 3, 4, 5}), w.ints({2})});
    w.output(w.node("Reshape", {w.node("Expand", {x, w.ints({2, 3, 4, 4, 5})}), w.ints({2, 12, 4, 5})}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Gather"));
}

TEST(RepeatToResize, BehindATransposeThatTheExporterMoved) {
    Writer w;
    const ValueId x = w.node("Conv", {w.input("x", {2, 3, 4, 5}), w.weights({3, 3, 1, 1})});
    ValueId y = w.node("Tile", {w.node("Unsqueeze", {x, w.ints({3})}), w.ints({1, 1, 1, 2, 1})});
    y = w.node("Reshape", {w.node("Transpose", {y}, {{"perm", Ints{0, 2, 3, 4, 1}}}), w.ints({2, 8, 5, 3})});
    w.output(w.node("Conv", {w.node("Transpose", {y}, {{"perm", Ints{0, 3, 1, 2}}}), w.weights({2, 3, 1, 1})}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Conv", "Resize", "Conv"));
}

// As PyTorch users write it with None, expand and reshape.
TEST(RepeatToResize, ExpandOfBothAxes) {
    Writer w;
    const ValueId x = w.node("Reshape", {w.input("x", {2, 3, 4, 1}), w.ints({2, 3, 4, 1, 1})});
    const ValueId y = w.node("Expand", {x, w.ints({2, 3, 4, 2, 1})});
    w.output(w.node("Reshape", {y, w.ints({2, 3, 8, 1})}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Resize"));
}

TEST(RepeatToResize, DeclinesWholeRowsAndAxesThatStay) {
    Writer w;
    const ValueId x = w.input("x", {2, 3, 4, 5}), one = w.node("Reshape", {x, w.ints({2, 3, 4, 1, 5})});
    w.output(w.node("Tile", {x, w.ints({1, 1, 2, 1})}), "rows");
    w.output(w.node("Abs", {w.node("Tile", {one, w.ints({1, 1, 1, 2, 1})})}), "stays");
    const Outcome outcome = optimized(w);
    EXPECT_EQ(outcome.applied("repeat_to_resize"), 0);
    EXPECT_THAT(
        outcome.reasons("repeat_to_resize"),
        testing::UnorderedElementsAre("it repeats more than single elements", "its axes are not joined behind it"));
}

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

// The pooled branch of a segmentation head.
TEST(ResizeOfOnePixel, LinearAndCubicAreRepetition) {
    for (const char* mode : {"linear", "cubic"})
        for (const char* transform : {"half_pixel", "align_corners", "pytorch_half_pixel", "asymmetric"}) {
            Writer w;
            const ValueId pooled = w.node("GlobalAveragePool", {w.input("x", {2, 3, 6, 5})});
            const Attributes how{{"mode", std::string(mode)},
                                 {"coordinate_transformation_mode", std::string(transform)}};
            w.output(w.node("Resize", {pooled, ValueId::none, ValueId::none, w.ints({2, 3, 6, 5})}, how), "y");
            const Outcome outcome = optimized(w);
            EXPECT_EQ(std::get<std::string>(outcome.only("Resize").attributes.at("mode")), "nearest");
        }
}

TEST(ResizeOfOnePixel, ExpandAndTileRepeatIt) {
    Writer w;
    const ValueId pooled = w.node("GlobalAveragePool", {w.input("x", {2, 3, 6, 5})});
    w.output(w.node("Expand", {pooled, w.ints({2, 3, 6, 5})}), "expanded");
    w.output(w.node("Tile", {pooled, w.ints({1, 1, 4, 7})}), "tiled");
    EXPECT_THAT(optimized(w).ops, ElementsAre("GlobalAveragePool", "Resize", "Resize"));
}

TEST(ResizeOfOnePixel, LeavesWhatRepeatsChannelsOrRows) {
    Writer w;
    w.output(w.node("Expand", {w.input("x", {1, 1, 1, 1}), w.ints({1, 3, 6, 5})}), "channels");
    w.output(w.node("Expand", {w.input("z", {1, 3, 1, 5}), w.ints({1, 3, 6, 5})}), "rows");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Expand", "Expand"));
}

TEST(ResizeOfOnePixel, DeclinesALargerMap) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 1, 2});
    w.output(w.node("Resize", {x, ValueId::none, w.constant({4}, {1, 1, 2, 2})}, {{"mode", std::string("linear")}}),
             "y");
    EXPECT_THAT(optimized(w).reasons("resize_of_one_pixel"), ElementsAre("it mixes pixels"));
}

TEST(ResizeByFactors, WholeFactors) {
    for (const char* mode : {"nearest", "linear", "cubic"}) {
        Writer w;
        const ValueId x = w.input("x", {1, 3, 5, 4});
        w.output(
            w.node("Resize", {x, ValueId::none, ValueId::none, w.ints({1, 3, 10, 12})}, {{"mode", std::string(mode)}}),
            "y");
        const Outcome outcome = optimized(w);
        EXPECT_EQ(outcome.only("Resize").inputs.size(), 3U);
    }
}

TEST(ResizeByFactors, DeclinesOthers) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 5, 4});
    w.output(
        w.node("Resize", {x, ValueId::none, ValueId::none, w.ints({1, 3, 10, 6})}, {{"mode", std::string("linear")}}),
        "y");
    EXPECT_THAT(optimized(w).reasons("resize_by_factors"), ElementsAre("a factor is no whole number"));
}

TEST(RemoveIdentity, AResizeToItsOwnSize) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 5, 4});
    const Attributes linear{{"mode", std::string("linear")}};
    const ValueId same = w.node("Resize", {x, ValueId::none, ValueId::none, w.ints({1, 3, 5, 4})}, linear);
    w.output(w.node("Abs", {same}), "same");
    const ValueId scales = w.constant({4}, {1, 1, 1.1f, 1});  // five rows too, read at other places
    w.output(w.node("Resize", {x, ValueId::none, scales}, linear), "moved");
    EXPECT_THAT(optimized(w).ops, testing::UnorderedElementsAre("LeakyRelu", "Resize"));
}

ValueId resize_to(Writer& w, ValueId x, const Ints& sizes, const std::string& nearest = "floor") {
    return w.node("Resize", {x, ValueId::none, ValueId::none, w.ints(sizes)},
                  {{"coordinate_transformation_mode", std::string("asymmetric")}, {"nearest_mode", nearest}});
}

// A pyramid of features where a side was odd: F.interpolate(y, size=x.shape[2:]).
TEST(ResizeAndCrop, TheLastRowOrColumnComesOnceLess) {
    for (const auto& [from, to] : std::vector<std::pair<Ints, Ints>>{
             {{23, 24}, {45, 47}}, {{10, 8}, {19, 16}}, {{3, 5}, {8, 14}}, {{1, 2}, {3, 3}}}) {
        Writer w;
        w.output(resize_to(w, w.input("x", {2, 3, from[0], from[1]}), {2, 3, to[0], to[1]}), "y");
        EXPECT_THAT(optimized(w).ops, ElementsAre("Resize", "Slice"));
    }
}

TEST(ResizeAndCrop, DeclinesOtherPixels) {
    Writer w;
    const ValueId x = w.input("x", {2, 3, 4, 4});
    w.output(resize_to(w, x, {2, 3, 6, 6}), "uneven");
    w.output(resize_to(w, x, {2, 3, 7, 7}, "ceil"), "up");
    w.output(resize_to(w, x, {2, 3, 3, 3}), "smaller");
    EXPECT_THAT(
        optimized(w).reasons("resize_and_crop"),
        testing::UnorderedElementsAre("pixels are not repeated equally often", "it does not round the quotient down",
                                      "pixels are not repeated equally often"));
}

}  // namespace
}  // namespace calotype::optimize::tests
