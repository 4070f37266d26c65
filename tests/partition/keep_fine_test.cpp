#include "partition/keep_fine.hpp"

#include <gmock/gmock.h>

#include "lower/example.hpp"
#include "npu/config.hpp"
#include "partition/partition.hpp"

namespace calotype::partition {
namespace {

using calotype::sketch::Example;
using graph::NodeId;
using graph::ValueId;
using testing::HasSubstr;
using testing::IsEmpty;

/// Offsets within a cell [1, 2, 8, 8], the cells added, times the stride: boxes, as the output or behind a convolution.
struct Decoder {
    Example e;
    ValueId offsets, placed, boxes, output;

    explicit Decoder(bool at_the_end = true, const char* op = "Add", Dims cells = {1, 2, 8, 8}) {
        offsets = e.node("Sigmoid", {e.conv(e.input({1, 16, 8, 8}), 2, 3)}, {1, 2, 8, 8});
        placed = e.node(op, {offsets, e.constant(std::move(cells))}, {1, 2, 8, 8});
        boxes = e.node("Mul", {placed, e.scalar(8)}, {1, 2, 8, 8});
        output = at_the_end ? e.node("Reshape", {boxes, e.integers({1, 2, 64})}, {1, 2, 64}) : e.conv(boxes, 4);
        e.graph.outputs.push_back(output);
    }
    HostNodes fine(Extent of_offsets, Extent of_placed) {
        return keep_fine(e.graph, {{e.graph.value(offsets).name, of_offsets}, {e.graph.value(placed).name, of_placed}});
    }
};

TEST(KeepFine, ACellOfManyIsAddedOnTheHostAndAllBehindItIsTheHosts) {
    Decoder decoder;
    const HostNodes host = decoder.fine({0, 0.9}, {0, 7.9});
    ASSERT_EQ(host.size(), 3U);
    EXPECT_EQ(
        host.at(decoder.e.graph.producer(decoder.placed)).actual,
        "0 to 7.9 of 0 to 0.9 in `" + decoder.e.graph.value(decoder.offsets).name + "`: codes 8.8 times as coarse");
    EXPECT_THAT(host.at(decoder.e.graph.producer(decoder.boxes)).actual, HasSubstr("which is before it"));
    EXPECT_TRUE(host.contains(decoder.e.graph.producer(decoder.output)));
    const Plan plan = partition(decoder.e.graph, npu::find_config(npu::kDefaultConfig), host);
    ASSERT_EQ(plan.subgraphs.size(), 2U);
    EXPECT_EQ(plan.subgraphs[0].outputs, std::vector{decoder.e.graph.value(decoder.offsets).name});
    EXPECT_EQ(plan.decisions.back().limit->code, "NPU_FEW_CODES");
}

TEST(KeepFine, OneBitIsTheLimitBeforeAnOutputAndThreeBeforeALayer) {
    EXPECT_THAT(Decoder().fine({0, 1}, {0, 2}), IsEmpty());
    EXPECT_EQ(Decoder().fine({0, 1}, {0, 2.1}).size(), 3U);
    EXPECT_THAT(Decoder(false).fine({0, 1}, {0, 8}), IsEmpty());
    EXPECT_EQ(Decoder(false).fine({0, 1}, {0, 8.1}).size(), 1U) << "what a layer reads behind it is rounded anyway";
}

TEST(KeepFine, AProductCountsWhatTheMapMakesOfACode) {
    for (const Dims& cells : {Dims{1, 2, 8, 8}, Dims{2, 1, 1}}) {
        Decoder decoder(true, "Mul", cells);
        auto& graph = decoder.e.graph;
        const ValueId map = graph.input(graph.producer(decoder.placed), 1);
        for (float& x : graph.value(map).constant->values<float>()) x = 20;
        EXPECT_THAT(decoder.fine({0, 1}, {0, 20}), IsEmpty()) << "each code is worth twenty of them";
        graph.value(map).constant->values<float>()[0] = 640;
        EXPECT_EQ(decoder.fine({0, 1}, {0, 640}).size(), cells.size() == 4 ? 3U : 0U)
            << "one number a channel is a scale a channel";
    }
}

TEST(KeepFine, AStrideThatBecameAConvolutionOfOneTapLeadsToTheOutputToo) {
    Example e;
    const ValueId offsets = e.node("Sigmoid", {e.conv(e.input({1, 16, 8, 8}), 2, 3)}, {1, 2, 8, 8});
    const ValueId placed = e.node("Add", {offsets, e.constant({1, 2, 8, 8})}, {1, 2, 8, 8});
    const ValueId boxes = e.node("Conv", {placed, e.constant({2, 1, 1, 1})}, {1, 2, 8, 8}, {{"group", int64_t{2}}});
    e.graph.outputs.push_back(boxes);
    EXPECT_EQ(keep_fine(e.graph, {{e.graph.value(offsets).name, {0, 1}}, {e.graph.value(placed).name, {0, 3}}}).size(),
              2U);
}

TEST(KeepFine, WhatIsZeroAllThroughOrUnknownDoesNotCount) {
    Decoder decoder;
    EXPECT_THAT(decoder.fine({0, 0}, {0, 9}), IsEmpty());
    EXPECT_THAT(keep_fine(decoder.e.graph, {}), IsEmpty());
}

}  // namespace
}  // namespace calotype::partition
