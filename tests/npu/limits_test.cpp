#include "npu/limits.hpp"

#include <gmock/gmock.h>

#include <set>

namespace calotype::npu {
namespace {

using testing::HasSubstr;

struct Case {
    const char* code;
    Attributes broken, kept;
    Dims input;
    const char* actual;
    const char* limit;
};

Pool pool(PoolKind kind, int64_t height, int64_t width, bool global = false) {
    Pool made{kind, global, {}};
    made.window.height.kernel = height;
    made.window.width.kernel = width;
    return made;
}
Pad pad(int64_t before) {
    Pad made;
    made.height.pad_before = before;
    return made;
}

std::vector<Case> cases() {
    return {{"NPU_POOL_KERNEL",
             pool(PoolKind::average, 64, 33),
             pool(PoolKind::average, 64, 32),
             {64, 64, 4},
             "64 x 33 = 2112 pixels",
             "at most 2048 pixels"},
            {"NPU_THIN_MAX_POOL",
             pool(PoolKind::max, 1, 3),
             pool(PoolKind::average, 1, 3),
             {8, 8, 4},
             "a kernel of 1 x 3",
             "not a layer of VE2802_NPU_IP_O00_A304_M3"},
            {"NPU_POOL_3D",
             pool(PoolKind::max, 2, 2),
             Conv{4, 4, 1, {}},
             {2, 8, 8, 4},
             "a map of [2, 8, 8, 4]",
             "not a layer of VE2802_NPU_IP_O00_A304_M3"},
            {"NPU_PAD_PIXELS", pad(16), pad(15), {8, 8, 4}, "16 pixels", "at most 15 pixels"},
            {"NPU_SPACE_TO_DEPTH_BLOCK", SpaceToDepth{4}, SpaceToDepth{3}, {12, 12, 4}, "4", "at most 3"}};
}

TEST(Limits, EachIsBrokenByTheCaseBeyondItAndKeptByTheLastWithin) {
    const Config config = find_config(kDefaultConfig);
    std::set<std::string> seen;
    for (const Case& c : cases()) {
        const auto broken = broken_limits({c.broken, {c.input}, c.input}, config);
        ASSERT_EQ(broken.size(), 1U) << c.code;
        EXPECT_EQ(broken[0].code, c.code);
        EXPECT_EQ(broken[0].actual, c.actual);
        EXPECT_EQ(broken[0].limit, c.limit);
        EXPECT_FALSE(broken[0].why.empty() || broken[0].hint.empty());
        EXPECT_TRUE(broken_limits({c.kept, {c.input}, c.input}, config).empty()) << c.code;
        seen.insert(c.code);
    }
    for (const Limit& limit : layer_limits())
        EXPECT_TRUE(seen.contains(std::string(limit.code))) << limit.code << " has no case";
}

TEST(Limits, AGlobalPoolIsAsLargeAsItsMap) {
    const Config config = find_config(kDefaultConfig);
    const Attributes global = pool(PoolKind::average, 1, 1, true);
    EXPECT_TRUE(broken_limits({global, {{32, 64, 8}}, {1, 1, 8}}, config).empty());
    EXPECT_EQ(broken_limits({global, {{33, 64, 8}}, {1, 1, 8}}, config).size(), 1U);
}

TEST(Limits, TheExtendedConfigurationAllowsMore) {
    const Config config = find_config("VE2802_NPU_IP_O00_A304_M3_EXTENDED");
    for (const Case& c : cases()) EXPECT_TRUE(broken_limits({c.broken, {c.input}, c.input}, config).empty()) << c.code;
}

TEST(Limits, CodesAreUniqueAndKeysExist) {
    const Config config = find_config(kDefaultConfig);
    std::set<std::string_view> codes;
    for (const auto& limits : {layer_limits(), node_limits()})
        for (const Limit& limit : limits) {
            EXPECT_TRUE(codes.insert(limit.code).second) << limit.code;
            EXPECT_FALSE(limit.why.empty() || limit.hint.empty() || limit.what.empty()) << limit.code;
            EXPECT_TRUE(limit.key.empty() || config.limits.contains(std::string(limit.key)) ||
                        config.support.contains(std::string(limit.key)))
                << limit.key;
        }
    for (const SupportRow& row : support_rows())
        for (const std::string_view code : row.limits) EXPECT_TRUE(codes.contains(code)) << code;
}

}  // namespace
}  // namespace calotype::npu
