#include "plan/memory.hpp"

#include <gmock/gmock.h>

#include <random>

#include "plan/plan.hpp"
#include "plan/sweep.hpp"

namespace calotype::plan {
namespace {

bool meet(const Lifetime& a, const Lifetime& b) { return a.first <= b.last && b.first <= a.last; }

void expect_sound(const std::vector<Lifetime>& tensors, const MemoryPlan& plan, const std::string& replay) {
    ASSERT_EQ(plan.placement.size(), tensors.size());
    for (size_t i = 0; i < tensors.size(); ++i) {
        const npu::Span& a = plan.placement[i];
        EXPECT_EQ(a.offset_bytes % kAlignmentBytes, 0) << replay;
        EXPECT_EQ(a.size_bytes, tensors[i].size_bytes);
        EXPECT_LE(a.offset_bytes + a.size_bytes, plan.arena_bytes) << replay;
        for (size_t k = 0; k < i; ++k) {
            const npu::Span& b = plan.placement[k];
            if (meet(tensors[i], tensors[k])) {
                EXPECT_TRUE(a.offset_bytes + a.size_bytes <= b.offset_bytes ||
                            b.offset_bytes + b.size_bytes <= a.offset_bytes)
                    << replay << ", tensors " << i << " and " << k;
            }
        }
    }
    EXPECT_GE(plan.arena_bytes, plan.lower_bound_bytes) << replay;
}

TEST(Memory, AChainNeedsItsTwoLargestNeighbours) {
    const MemoryPlan plan = place({{640, 0, 0}, {1280, 0, 1}, {320, 1, 2}, {64, 2, 3}});
    EXPECT_EQ(plan.lower_bound_bytes, 1920);
    EXPECT_EQ(plan.arena_bytes, 1920);
}

// In time that grows with what lives together, not with the square of all.
TEST(Memory, AChainOfManyNeedsWhatAShortOneDoes) {
    std::vector<Lifetime> tensors;
    for (int64_t step = 0; step < 300'000; ++step) tensors.push_back({640, step, step + 1});
    const MemoryPlan plan = place(tensors);
    EXPECT_EQ(plan.lower_bound_bytes, 1280);
    EXPECT_EQ(plan.arena_bytes, 1280);
}

// As a network of thousands of outputs has them: every one would be compared with every other.
TEST(Memory, ThousandsThatLiveTogetherAreSwept) {
    for (const unsigned seed : {1U, 2U}) {
        std::minstd_rand random(seed);
        std::vector<Lifetime> tensors;
        for (int64_t step = 0; step < 2500; ++step)
            tensors.push_back(
                {static_cast<int64_t>(random() % 5000), step, step + static_cast<int64_t>(random() % 2500)});
        EXPECT_EQ(pairs_alive(tensors, 1000), 1000);
        const MemoryPlan plan = place(tensors);
        expect_sound(tensors, plan, "seed " + std::to_string(seed));
        EXPECT_LT(static_cast<double>(plan.arena_bytes), 1.1 * static_cast<double>(plan.lower_bound_bytes));
    }
    std::vector<Lifetime> outputs;
    for (int64_t step = 0; step < 300'000; ++step) outputs.push_back({640, step, 300'000});
    const MemoryPlan plan = place(outputs);
    EXPECT_EQ(plan.arena_bytes, 300'000 * 640);
    EXPECT_EQ(plan.lower_bound_bytes, plan.arena_bytes);
}

TEST(Memory, ASweepGivesGapsBackWhole) {
    // Two neighbours end; what needs both fits where they were.
    const std::vector<npu::Span> placed = sweep({{64, 0, 1}, {64, 0, 1}, {64, 0, 9}, {128, 2, 9}, {0, 3, 9}});
    EXPECT_EQ(placed[3].offset_bytes, 0);
    EXPECT_EQ(placed[4], npu::Span{});
    EXPECT_EQ(pairs_alive({{64, 0, 1}, {64, 0, 1}, {64, 2, 9}, {64, 3, 3}}, 100), 2);
}

TEST(Memory, NothingNeedsNothing) { EXPECT_EQ(place({}).arena_bytes, 0); }

TEST(Memory, RandomLifetimesNeverOverlapAndStayNearTheBound) {
    double worst = 1, sum = 0;
    for (unsigned seed = 0; seed < 100; ++seed) {
        std::minstd_rand random(seed + 1);
        std::vector<Lifetime> tensors;
        for (int64_t step = 0; step < 40; ++step)
            tensors.push_back({static_cast<int64_t>(random() % 5000 + 1), step,
                               step + 1 + static_cast<int64_t>(random() % 8 == 0 ? random() % 12 : 0)});
        const MemoryPlan plan = place(tensors);
        expect_sound(tensors, plan, "seed " + std::to_string(seed));
        const double ratio = static_cast<double>(plan.arena_bytes) / static_cast<double>(plan.lower_bound_bytes);
        worst = std::max(worst, ratio);
        sum += ratio;
        const MemoryPlan again = place(tensors);
        EXPECT_EQ(again.placement, plan.placement);
    }
    // Not every set of lifetimes fits its bound: a search a hundred times as long finds nothing better than these.
    EXPECT_LT(worst, 1.18);
    EXPECT_LT(sum / 100, 1.006);
}

npu::FloatNetwork residual() {
    npu::Conv conv{8, 8, 1, {}};
    conv.window.height = conv.window.width = {3, 1, 1, 1, 1};
    npu::FloatNetwork network;
    for (int i = 0; i < 4; ++i) network.tensors.push_back({"t" + std::to_string(i), {16, 16, 8}, {}, {}});
    const auto id = [](int i) { return static_cast<npu::TensorId>(i); };
    network.layers.push_back(
        {"a", {}, conv, {id(0)}, id(1), {}, "t1", std::vector<float>(8 * 72), std::vector<float>(8)});
    network.layers.push_back(
        {"b", {}, conv, {id(1)}, id(2), {}, "t2", std::vector<float>(8 * 72), std::vector<float>(8)});
    network.layers.push_back({"c", {}, npu::Add{}, {id(0), id(2)}, id(3), {}, "t3", {}, {}});
    network.inputs.push_back({id(0), "t0", {1, 8, 16, 16}, {8, 256}, {1, 0}});
    network.outputs.push_back({id(3), "t3", {1, 8, 16, 16}, {8, 256}, {1, 0}});
    return network;
}

TEST(Plan, AResidualBlockKeepsItsInput) {
    const npu::Config config = npu::find_config(npu::kDefaultConfig);
    const npu::Program program = plan(residual(), config);
    EXPECT_EQ(program.steps.size(), 3U);
    EXPECT_EQ(program.lower_bound_bytes, 3 * 2048);
    EXPECT_EQ(program.arena_bytes, program.lower_bound_bytes);
    EXPECT_EQ(program.macs, 2 * 16 * 16 * 8 * 72);
}

TEST(Plan, EndsAtItsDeadline) {
    Limits limits;
    limits.run_seconds = 0;
    const Deadline over(limits, "`model.onnx`", "planning its memory");
    try {
        plan(residual(), npu::find_config(npu::kDefaultConfig), {}, over);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.text().fact, "planning its memory took longer than 0 s and was ended");
    }
}

TEST(Plan, AnotherSizeIsPlannedAnew) {
    const npu::Config config = npu::find_config(npu::kDefaultConfig);
    const npu::Program program = plan(residual(), config, {{32, 24, 8}});
    EXPECT_EQ(program.shapes[3], (Dims{32, 24, 8}));
    EXPECT_EQ(program.macs, 2 * 32 * 24 * 8 * 72);
}

// Where rows or columns are the last axis, they are what scales are for.
TEST(Plan, OtherChannelsAreRefused) {
    npu::FloatNetwork network;
    network.tensors = {{"x", {8}, {}, {}}, {"y", {16}, {}, {}}};
    const auto x = static_cast<npu::TensorId>(0), y = static_cast<npu::TensorId>(1);
    network.layers.push_back({"join", {}, npu::Concat{}, {x, x}, y, {}, "y", {}, {}});
    network.inputs.push_back({x, "x", {1, 8}, {8}, {0}});
    try {
        plan(network, npu::find_config(npu::kDefaultConfig), {{9}});
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.text().fact, "its channels would be 9 instead of 8, and each has its scale");
    }
}

TEST(Plan, ASizeThatBreaksALimitIsNamed) {
    npu::FloatNetwork network;
    network.tensors = {{"x", {32, 32, 4}, {}, {}}, {"y", {1, 1, 4}, {}, {}}};
    network.layers.push_back({"pool",
                              {},
                              npu::Pool{npu::PoolKind::average, true, {}},
                              {static_cast<npu::TensorId>(0)},
                              static_cast<npu::TensorId>(1),
                              {},
                              "y",
                              {},
                              {}});
    network.inputs.push_back({static_cast<npu::TensorId>(0), "x", {1, 4, 32, 32}, {4, 1024}, {1, 0}});
    const npu::Config config = npu::find_config(npu::kDefaultConfig);
    EXPECT_NO_THROW(plan(network, config));
    try {
        plan(network, config, {{64, 64, 4}});
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.text().code, "LAYER_LIMIT");
        EXPECT_THAT(error.text().fact, testing::HasSubstr("64 x 64 = 4096 pixels"));
    }
}

}  // namespace
}  // namespace calotype::plan
