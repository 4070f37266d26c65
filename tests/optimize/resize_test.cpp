// repeat_to_resize, resize_of_one_pixel, resize_by_factors, resize_and_crop
#include <gmock/gmock.h>

#include "optimize/fixture.hpp"

namespace calotype::optimize::tests {
namespace {

using testing::ElementsAre;
using Ints = std::vector<int64_t>;

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
