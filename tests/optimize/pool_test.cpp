// merge_reduce_means, reduce_mean_to_pool, average_pool_to_global
#include <gmock/gmock.h>

#include "optimize/fixture.hpp"

namespace calotype::optimize::tests {
namespace {

using testing::ElementsAre;
using Ints = std::vector<int64_t>;

TEST(ReduceMeanToPool, KeepsOrDropsTheAxes) {
    for (const int64_t keep : {0, 1}) {
        Writer w;
        w.output(w.node("ReduceMean", {w.input("x", {2, 3, 5, 7}), w.ints({-1, 2})}, {{"keepdims", keep}}), "y");
        const Outcome outcome = optimized(w);
        if (keep != 0)
            EXPECT_THAT(outcome.ops, ElementsAre("GlobalAveragePool"));
        else
            EXPECT_THAT(outcome.ops, ElementsAre("GlobalAveragePool", "Flatten"));
    }
}

TEST(ReduceMeanToPool, OtherAxesStay) {
    Writer w;
    w.output(w.node("ReduceMean", {w.input("x", {2, 3, 5, 7}), w.ints({1})}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("ReduceMean"));
}

// As in mcunet: columns, then rows, both dropped.
TEST(MergeReduceMeans, ColumnsThenRows) {
    Writer w;
    const ValueId columns = w.node("ReduceMean", {w.input("x", {1, 3, 5, 7}), w.ints({3})}, {{"keepdims", int64_t{0}}});
    w.output(w.node("ReduceMean", {columns, w.ints({2})}, {{"keepdims", int64_t{0}}}), "y");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, ElementsAre("GlobalAveragePool", "Flatten"));
    EXPECT_THAT(outcome.only("GlobalAveragePool").sources, testing::IsSupersetOf({"ReduceMean_0", "ReduceMean_1"}));
}

// The axes of the second count without those that the first dropped.
TEST(MergeReduceMeans, RowsThenWhatWasColumns) {
    Writer w;
    const ValueId rows = w.node("ReduceMean", {w.input("x", {1, 3, 5, 7}), w.ints({2})}, {{"keepdims", int64_t{0}}});
    w.output(w.node("ReduceMean", {rows, w.ints({2})}, {{"keepdims", int64_t{0}}}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("GlobalAveragePool", "Flatten"));
}

TEST(MergeReduceMeans, DeclinesTwoReadersAndMixedDims) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 5, 7});
    const ValueId inner = w.node("ReduceMean", {x, w.ints({3})});
    w.output(w.node("Add", {w.node("ReduceMean", {inner, w.ints({2})}), inner}), "y");
    w.output(w.node("ReduceMean", {w.node("ReduceMean", {x, w.ints({3})}), w.ints({2})}, {{"keepdims", int64_t{0}}}),
             "z");
    EXPECT_THAT(optimized(w).reasons("merge_reduce_means"),
                ElementsAre("another reader needs the inner mean", "only one of them keeps its axes"));
}

TEST(AveragePoolToGlobal, TheWindowIsTheMap) {
    Writer w;
    const ValueId x = w.input("x", {2, 3, 5, 7});
    w.output(w.node("AveragePool", {x}, {{"kernel_shape", Ints{5, 7}}, {"strides", Ints{5, 7}}}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("GlobalAveragePool"));
}

TEST(AveragePoolToGlobal, DeclinesAPaddedMap) {
    Writer w;
    const Attributes attributes{{"kernel_shape", Ints{3, 3}}, {"strides", Ints{3, 3}}, {"pads", Ints{0, 0, 1, 1}}};
    w.output(w.node("AveragePool", {w.input("x", {2, 3, 3, 3})}, attributes), "y");
    EXPECT_THAT(optimized(w).reasons("average_pool_to_global"), ElementsAre("the map is padded"));
}

TEST(AveragePoolToGlobal, ASmallerWindowStays) {
    Writer w;
    w.output(w.node("AveragePool", {w.input("x", {2, 3, 5, 7})}, {{"kernel_shape", Ints{5, 5}}}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("AveragePool"));
}

}  // namespace
}  // namespace calotype::optimize::tests
