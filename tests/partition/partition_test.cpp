#include "partition/partition.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "lower/example.hpp"
#include "plan/plan.hpp"
#include "report/explain.hpp"

namespace calotype::partition {
namespace {

using calotype::sketch::Example;
using graph::ValueId;
using testing::ElementsAre;
using testing::HasSubstr;

std::string devices(const Plan& plan) {
    std::string text;
    for (const Subgraph& part : plan.subgraphs) text += (text.empty() ? "" : " ") + std::string(name_of(part.device));
    return text;
}

Plan split(Example& e, ValueId output, std::string_view config = npu::kDefaultConfig) {
    e.graph.outputs.push_back(output);
    return partition(e.graph, npu::find_config(config));
}

/// Convolutions large enough to be worth two boundaries.
ValueId large(Example& e, ValueId x) {
    for (int i = 0; i < 4; ++i) x = e.conv(x, 64, 3);
    return x;
}
const Dims kMap{1, 64, 40, 40};

TEST(Partition, AFinalSoftmaxIsTheHosts) {
    Example e;
    const ValueId pooled = e.node("GlobalAveragePool", {large(e, e.input(kMap))}, {1, 64, 1, 1});
    const ValueId flat = e.node("Flatten", {pooled}, {1, 64});
    const Plan plan = split(e, e.node("Softmax", {flat}, {1, 64}));
    EXPECT_EQ(devices(plan), "NPU CPU");
    EXPECT_EQ(plan.cpu_macs, 0);
    EXPECT_EQ(plan.npu_macs, int64_t{4} * 64 * 64 * 9 * 40 * 40);
    EXPECT_THAT(plan.subgraphs[1].inputs, ElementsAre(e.graph.value(flat).name));
    EXPECT_EQ(plan.subgraphs[1].graph.nodes().size(), 1U);
    ASSERT_TRUE(plan.decisions.back().limit.has_value());
    EXPECT_EQ(plan.decisions.back().limit->code, "NPU_SOFTMAX");
}

TEST(Partition, AMapThatIsAddedBeforeTheHostReadsIsAddedByTheHost) {
    for (const bool read_by_a_layer : {false, true}) {
        Example e;
        const ValueId x = large(e, e.input(kMap));
        const ValueId joined =
            e.node("Concat", {x, e.constant({1, 4, 40, 40})}, {1, 68, 40, 40}, {{"axis", int64_t{1}}});
        const ValueId placed = e.node("Add", {joined, e.constant({1, 68, 40, 40})}, {1, 68, 40, 40});
        const ValueId flat = e.node("Reshape", {placed, e.integers({1, 68, 1600})}, {1, 68, 1600});
        if (read_by_a_layer) e.graph.outputs.push_back(e.conv(placed, 64, 3));
        const Plan plan = split(e, e.node("Softmax", {flat}, {1, 68, 1600}));
        EXPECT_EQ(devices(plan), "NPU CPU");
        const ValueId handed_over = read_by_a_layer ? flat : x;
        EXPECT_EQ(plan.subgraphs[1].inputs, std::vector{e.graph.value(handed_over).name});
        for (const Decision& decision : plan.decisions) {
            if (decision.op != "Add" && decision.op != "Concat") continue;
            EXPECT_EQ(decision.limit.has_value(), !read_by_a_layer) << decision.op;
            if (!decision.limit) continue;
            EXPECT_EQ(decision.limit->code, "NPU_HOST_READS");
            EXPECT_EQ(decision.limit->actual, "`Softmax`, a Softmax");
        }
    }
}

TEST(Partition, AMapIsTheHostsThroughAFactorTooBeforeTheHostReads) {
    Example e;
    const ValueId placed = e.node("Add", {large(e, e.input(kMap)), e.constant(kMap)}, kMap);
    const ValueId scaled = e.node("Conv", {placed, e.constant({64, 1, 1, 1})}, kMap,
                                  {{"group", int64_t{64}}});  // as the rewrites leave it
    const Plan plan = split(e, e.node("Cos", {scaled}, kMap));
    EXPECT_EQ(devices(plan), "NPU CPU");
    for (const Decision& decision : plan.decisions)
        if (decision.op == "Add") {
            EXPECT_EQ(decision.limit.value().code, "NPU_HOST_READS");
        }
    EXPECT_EQ(plan.subgraphs[1].graph.nodes().size(), 3U);
}

TEST(Partition, AMapThatIsAddedToAnOutputLeavesTheWholeOnTheNpu) {
    Example e;
    EXPECT_EQ(devices(split(e, e.node("Add", {large(e, e.input(kMap)), e.constant(kMap)}, kMap))), "NPU");
}

TEST(Partition, WhatPaysOnBothSidesOfAHostOperatorIsTwoSubgraphs) {
    Example e;
    const ValueId x = e.node("Cos", {large(e, e.input(kMap))}, kMap);
    EXPECT_EQ(devices(split(e, large(e, x))), "NPU CPU NPU");
}

TEST(Partition, AFragmentThatDoesNotPayIsLeftToTheHost) {
    Example e;
    const ValueId cos = e.node("Cos", {large(e, e.input(kMap))}, kMap);
    const ValueId small =
        e.node("Relu", {e.node("Slice", {cos, e.integers({0}), e.integers({1}), e.integers({2})}, {1, 64, 1, 40})},
               {1, 64, 1, 40});
    const Plan plan = split(e, small);
    EXPECT_EQ(devices(plan), "NPU CPU");
    EXPECT_EQ(plan.decisions.back().limit->code, "NPU_DOES_NOT_PAY");
    EXPECT_THAT(plan.decisions.back().limit->limit, HasSubstr("us faster with it on the host"));
}

/// Convolutions too small to be worth two boundaries, the host's operator behind each; in the middle some that are.
ValueId alternating(Example& e, int regions) {
    ValueId x = e.input(kMap);
    for (int i = 0; i < regions; ++i) {
        x = e.node("Cos", {i == regions / 2 || i == regions / 3 ? large(e, x) : e.node("Relu", {x}, kMap)}, kMap);
    }
    return x;
}

TEST(Partition, ManyFragmentsThatDoNotPayAreLeftAtOnceAsOneByOne) {
    Example e;
    e.graph.outputs.push_back(alternating(e, 12));
    const npu::Config config = npu::find_config(npu::kDefaultConfig);
    const Plan one_by_one = partition(e.graph, config), at_once = partition(e.graph, config, {}, {}, 0);
    EXPECT_EQ(devices(one_by_one), "CPU NPU CPU NPU CPU");
    EXPECT_EQ(devices(at_once), devices(one_by_one));
    EXPECT_EQ(at_once.predicted_us, one_by_one.predicted_us);
    for (size_t i = 0; i < at_once.decisions.size(); ++i) {
        const auto &some = at_once.decisions[i].limit, &other = one_by_one.decisions[i].limit;
        EXPECT_EQ(some ? some->limit : "", other ? other->limit : "") << at_once.decisions[i].name;
    }
}

TEST(Partition, ThousandsOfFragmentsAreSplitWithinTheBound) {
    Example e;  // one by one they would take 3,000 splits of 6,000 nodes
    e.graph.outputs.push_back(alternating(e, 3000));
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(devices(partition(e.graph, npu::find_config(npu::kDefaultConfig))), "CPU NPU CPU NPU CPU");
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));  // 0.5 s alone on a machine
}

TEST(Partition, ASplitEndsAtItsDeadline) {
    Example e;
    e.graph.outputs.push_back(alternating(e, 3));
    Limits limits;
    limits.run_seconds = 0;
    for (const char* npu : {"none", npu::kDefaultConfig.data()}) {  // making the host's graph, lowering
        try {
            partition(e.graph, npu::find_config(npu), {}, Deadline(limits, "`model.onnx`", "splitting it"));
            FAIL() << npu;
        } catch (const Error& error) {
            EXPECT_EQ(error.text().fact, "splitting it took longer than 0 s and was ended");
        }
    }
}

TEST(Partition, TheMacsOfARecurrentLayerCount) {
    Example e;  // 12 steps, 5 features, 7 hidden numbers, four gates, two directions
    const ValueId y = e.node("LSTM", {e.input({12, 1, 5}), e.constant({2, 28, 5}), e.constant({2, 28, 7})},
                             {12, 2, 1, 7}, {{"direction", std::string("bidirectional")}, {"hidden_size", int64_t{7}}});
    EXPECT_EQ(split(e, y).cpu_macs, int64_t{12} * 2 * 28 * (5 + 7));
}

TEST(Partition, NoPathLeavesASubgraphAndComesBack) {
    Example e;  // the sum needs a value that went over the host: it cannot be in the first part
    const ValueId first = large(e, e.input(kMap));
    const ValueId sum = e.node("Add", {first, e.node("Cos", {first}, kMap)}, kMap);
    const Plan plan = split(e, large(e, sum));
    EXPECT_EQ(devices(plan), "NPU CPU NPU");
    EXPECT_EQ(plan.subgraphs[2].inputs.size(), 2U);
    EXPECT_EQ(plan.subgraphs[0].outputs.size(), 1U);
}

TEST(Partition, NoNpuIsOneCpuSubgraph) {
    Example e;
    const Plan plan = split(e, large(e, e.input(kMap)), "none");
    EXPECT_EQ(devices(plan), "CPU");
    EXPECT_EQ(plan.npu_macs, 0);
    EXPECT_EQ(plan.subgraphs[0].graph.nodes().size(), 4U);
}

TEST(Partition, AHostPartKeepsAFreeBatchFree) {
    Example e;
    const ValueId x = e.input(kMap);
    e.graph.value(x).symbols = {"N", "", "", ""};
    const Plan plan = split(e, e.node("Cos", {large(e, x)}, kMap));
    const graph::Graph& host = plan.subgraphs.at(1).graph;
    EXPECT_EQ(host.value(host.inputs.at(0)).dims, (Dims{-1, 64, 40, 40}));
    EXPECT_EQ(host.value(host.outputs.at(0)).dims, (Dims{-1, 64, 40, 40}));
}

TEST(Explain, NamesRuleValueLimitCostAndSuggestion) {
    Example e;
    const Plan plan = split(
        e, e.node("Softmax", {e.node("Flatten", {large(e, e.input(kMap))}, {1, 64 * 40 * 40})}, {1, 64 * 40 * 40}));
    const npu::Config config = npu::find_config(npu::kDefaultConfig);
    const std::vector<npu::Program> programs{plan::plan(plan.subgraphs[0].network, config)};
    const std::string text = report::explain_text(plan, programs, config, "m.onnx");
    EXPECT_THAT(text, HasSubstr("NPU_SOFTMAX: Softmax `Softmax` runs on the CPU: the operator is Softmax; not a layer "
                                "of VE2802_NPU_IP_O00_A304_M3\n  why:  "));
    EXPECT_THAT(text, HasSubstr("\n  cost: 0.00 % of the MACs leave the NPU, "));
    EXPECT_THAT(text, HasSubstr("(100.00 %)"));
    const auto json = nlohmann::json::parse(report::explain_json(plan, programs, config, "m.onnx"));
    EXPECT_EQ(json["totals"]["npu_share"], 1.0);
    EXPECT_EQ(json["operators"].back()["reason"]["rule"], "NPU_SOFTMAX");
    EXPECT_EQ(json["subgraphs"][0]["peak_activation_bytes"], json["subgraphs"][0]["lower_bound_bytes"]);
}

TEST(Explain, OneReasonOfSeveralOperatorsIsToldOnce) {
    Example e;
    ValueId x = large(e, e.input(kMap));
    for (int i = 0; i < 4; ++i) x = e.node("Cos", {x}, kMap);
    const Plan plan = split(e, x);
    const npu::Config config = npu::find_config(npu::kDefaultConfig);
    const std::vector<npu::Program> programs{plan::plan(plan.subgraphs[0].network, config)};
    const std::string text = report::explain_text(plan, programs, config, "m.onnx");
    EXPECT_THAT(text, HasSubstr("\nNPU_OPERATOR: 4 operators (Cos `Cos`, Cos `Cos_1` and 2 more) run on the CPU: "));
    EXPECT_EQ(text.find("NPU_OPERATOR"), text.rfind("NPU_OPERATOR"));
}

TEST(Explain, ARuleThatManyValuesBreakIsToldOnce) {
    const auto told = [](const std::vector<std::string>& operators) {
        Example e;
        ValueId x = large(e, e.input(kMap));
        for (const std::string& op : operators) x = e.node(op, {x}, kMap);
        const Plan plan = split(e, x);
        const npu::Config config = npu::find_config(npu::kDefaultConfig);
        const std::vector<npu::Program> programs{plan::plan(plan.subgraphs[0].network, config)};
        const auto json = nlohmann::json::parse(report::explain_json(plan, programs, config, "m.onnx"));
        EXPECT_EQ(json["operators"].back()["reason"]["actual"], operators.back());
        return report::explain_text(plan, programs, config, "m.onnx");
    };
    const std::string three = told({"Cos", "Sin", "Tan"});
    for (const char* op : {"Cos", "Sin", "Tan"})
        EXPECT_THAT(three,
                    HasSubstr(fmt::format("\nNPU_OPERATOR: {0} `{0}` runs on the CPU: the operator is {0};", op)));
    const std::string four = told({"Cos", "Sin", "Tan", "Cosh"});
    EXPECT_THAT(four, HasSubstr("\nNPU_OPERATOR: 4 operators (Cos `Cos`, Sin `Sin` and 2 more) run on the CPU: of the "
                                "first, the operator is Cos; "));
    EXPECT_THAT(four, HasSubstr("; the others likewise, `--json` tells each\n  why:  "));
    EXPECT_EQ(four.find("NPU_OPERATOR"), four.rfind("NPU_OPERATOR"));
}

}  // namespace
}  // namespace calotype::partition
