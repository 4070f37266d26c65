#include "partition/keep_apart.hpp"

#include <gmock/gmock.h>

#include "lower/example.hpp"
#include "npu/config.hpp"
#include "partition/partition.hpp"

namespace calotype::partition {
namespace {

using calotype::sketch::Example;
using graph::NodeId;
using graph::ValueId;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Boxes [1, 4, 64] beside scores [1, 8, 64], joined, both flattened maps of convolutions; the output is the joined
/// value transposed.
struct Head {
    Example e;
    ValueId boxes, scores, joined, turned;

    Head() {
        const ValueId x = e.conv(e.input({1, 16, 8, 8}), 16, 3);
        boxes = e.node("Reshape", {e.conv(x, 4, 1), e.integers({1, 4, 64})}, {1, 4, 64});
        scores = e.node("Reshape", {e.conv(x, 8, 1), e.integers({1, 8, 64})}, {1, 8, 64});
        joined = e.node("Concat", {boxes, scores}, {1, 12, 64}, {{"axis", int64_t{1}}});
        turned = e.node("Transpose", {joined}, {1, 64, 12}, {{"perm", std::vector<int64_t>{0, 2, 1}}});
        e.graph.outputs.push_back(turned);
    }
    std::string name(ValueId id) const { return e.graph.value(id).name; }
    HostNodes apart(Extent box_pixels) {
        return keep_apart(e.graph, {{name(boxes), box_pixels}, {name(scores), {0, 0.9}}});
    }
};

TEST(KeepApart, PixelsBesideProbabilitiesAreJoinedOnTheHost) {
    Head head;
    const HostNodes host = head.apart({-10, 412.5});
    ASSERT_EQ(host.size(), 2U);
    EXPECT_EQ(host.at(head.e.graph.producer(head.joined)).actual,
              "-10 to 412.5 in `" + head.name(head.boxes) + "` beside 0 to 0.9 in `" + head.name(head.scores) + "`");
    EXPECT_THAT(host.at(head.e.graph.producer(head.turned)).actual, HasSubstr("that of `"));
    const Plan plan = partition(head.e.graph, npu::find_config(npu::kDefaultConfig), host);
    ASSERT_EQ(plan.subgraphs.size(), 2U);
    EXPECT_THAT(plan.subgraphs[0].outputs, ElementsAre(head.name(head.boxes), head.name(head.scores)));
    ASSERT_TRUE(plan.decisions.back().limit.has_value());
    EXPECT_EQ(plan.decisions.back().limit->code, "NPU_RANGES");
}

TEST(KeepApart, EightTimesApartIsTheLimit) {
    Head head;
    EXPECT_THAT(head.apart({0, 7.2}), IsEmpty());
    EXPECT_EQ(head.apart({-0.1, 7.2}).size(), 2U);
    EXPECT_EQ(head.apart({0, 0.1}).size(), 2U) << "scores are the wide ones here";
}

TEST(KeepApart, WhatIsZeroAllThroughOrUnknownDoesNotCount) {
    Head head;
    EXPECT_THAT(head.apart({0, 0}), IsEmpty());
    EXPECT_THAT(keep_apart(head.e.graph, {}), IsEmpty());
}

TEST(KeepApart, AConcatThatAnotherLayerReadsStays) {
    Head head;  // the reader needs the joined map on the NPU, whose channels have a scale each
    head.e.graph.outputs = {head.e.node("Sigmoid", {head.joined}, {1, 12, 64})};
    EXPECT_THAT(head.apart({0, 400}), IsEmpty());
}

TEST(KeepApart, ConcatsBeforeTheFirstMixedOneStay) {
    Head head;  // boxes of two levels are alike: only where scores join them ends the NPU
    const ValueId more = head.e.node("Concat", {head.boxes, head.boxes}, {1, 4, 128}, {{"axis", int64_t{2}}});
    const ValueId most = head.e.node("Concat", {head.scores, head.scores}, {1, 8, 128}, {{"axis", int64_t{2}}});
    const ValueId all = head.e.node("Concat", {more, most}, {1, 12, 128}, {{"axis", int64_t{1}}});
    head.e.graph.outputs = {all};
    head.e.graph.remove_dead();
    const HostNodes host = keep_apart(head.e.graph, {{head.name(head.boxes), {0, 400}},
                                                     {head.name(head.scores), {0, 1}},
                                                     {head.name(more), {0, 400}},
                                                     {head.name(most), {0, 1}}});
    ASSERT_EQ(host.size(), 1U);
    EXPECT_TRUE(host.contains(head.e.graph.producer(all)));
}

}  // namespace
}  // namespace calotype::partition
