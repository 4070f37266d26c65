#include "partition/keep_finite.hpp"

#include <gmock/gmock.h>

#include "lower/example.hpp"
#include "npu/config.hpp"
#include "partition/partition.hpp"

namespace calotype::partition {
namespace {

using calotype::sketch::Example;
using graph::ValueId;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(KeepFinite, WhatMakesOrReadsAnInfinityIsTheHosts) {
    Example e;
    const ValueId x = e.conv(e.input({1, 4, 8, 8}), 4, 3);
    const ValueId masked = e.node("Add", {x, e.input({1, 4, 8, 8})}, {1, 4, 8, 8});
    const ValueId gate = e.node("Sigmoid", {masked}, {1, 4, 8, 8});
    const ValueId y = e.conv(gate, 4, 3);
    e.graph.outputs.push_back(y);
    const std::string name = e.graph.value(masked).name;
    const HostNodes host = keep_finite(e.graph, {{name, 12}, {e.graph.value(x).name, 0}});
    const HostReason reason{"NPU_NOT_FINITE", "12 infinite or NaN in `" + name + "`"};
    EXPECT_THAT(host,
                ElementsAre(std::pair{e.graph.producer(masked), reason}, std::pair{e.graph.producer(gate), reason}));
    const Plan plan = partition(e.graph, npu::find_config(npu::kDefaultConfig), host);
    for (const size_t node : {1, 2}) {
        EXPECT_EQ(plan.decisions.at(node).device, Device::cpu);
        EXPECT_EQ(plan.decisions.at(node).limit->code, "NPU_NOT_FINITE");
    }
}

TEST(KeepFinite, NothingWhereAllIsFinite) {
    Example e;
    e.graph.outputs.push_back(e.conv(e.input({1, 4, 8, 8}), 4, 3));
    EXPECT_THAT(keep_finite(e.graph, {}), IsEmpty());
    EXPECT_EQ(values_of_the_npu(e.graph).size(), 2U);  // the weights are constants
}

}  // namespace
}  // namespace calotype::partition
