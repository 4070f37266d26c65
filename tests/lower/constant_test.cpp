// Constant operands that are maps: tensors among the weights.

#include <gmock/gmock.h>

#include "lower/example.hpp"
#include "lower/lower.hpp"
#include "npu/limits.hpp"

namespace calotype::lower {
namespace {

using calotype::sketch::Example;
using graph::ValueId;
using Ints = std::vector<int64_t>;

const Dims kMap{1, 4, 8, 6};

Lowering lowered(Example& example, ValueId output) {
    example.graph.outputs.push_back(output);
    return lower(example.graph, npu::find_config(npu::kDefaultConfig));
}

/// The constants that the only layer reads.
std::vector<npu::FloatTensor> constants(const Lowering& made) {
    std::vector<npu::FloatTensor> found;
    EXPECT_TRUE(made.declined.empty());
    EXPECT_EQ(made.network.layers.size(), 1U);
    EXPECT_EQ(made.network.inputs.size(), 1U) << "a constant is no input";
    for (const npu::FloatLayer& layer : made.network.layers)
        for (const npu::TensorId input : layer.inputs)
            if (const auto& tensor = made.network.tensors[npu::index_of(input)]; !tensor.constant.empty())
                found.push_back(tensor);
    return found;
}

/// Of a constant [..., channels, height, width] with ones in front of it, the element that numpy would broadcast.
float element(const Example& e, ValueId constant, int64_t c, int64_t h, int64_t w) {
    Dims dims = e.graph.value(constant).constant->dims();
    dims.insert(dims.begin(), 4 - dims.size(), 1);
    const auto at = [&](size_t axis, int64_t i) { return dims[axis] == 1 ? 0 : i; };
    const int64_t index = (at(1, c) * dims[2] + at(2, h)) * dims[3] + at(3, w);
    return e.graph.value(constant).constant->values<float>()[static_cast<size_t>(index)];
}

TEST(Constant, AMapLiesAsTheOtherOperandDoesHoweverItIsBroadcast) {
    for (const char* op : {"Add", "Mul"})
        for (const Dims& dims : {Dims{1, 4, 8, 6}, Dims{4, 8, 6}, Dims{4, 1, 6}, Dims{1, 4, 8, 1}, Dims{1, 4, 1, 6}})
            for (const bool first : {true, false}) {
                Example e;
                const ValueId x = e.input(kMap), c = e.constant(dims);
                const auto inputs = first ? std::vector{c, x} : std::vector{x, c};
                const auto held = constants(lowered(e, e.node(op, inputs, kMap)));
                ASSERT_EQ(held.size(), 1U) << op << to_string(dims);
                ASSERT_EQ(held[0].shape, (Dims{8, 6, 4}));
                for (int64_t i = 0; i < 8 * 6 * 4; ++i)
                    ASSERT_EQ(held[0].constant[static_cast<size_t>(i)], element(e, c, i % 4, i / 24, i / 4 % 6))
                        << op << to_string(dims) << i;
            }
}

TEST(Constant, AFactorOfAllChannelsIsOneNumberAPixel) {
    Example e;
    const ValueId c = e.constant({8, 6});
    const auto held = constants(lowered(e, e.node("Mul", {e.input(kMap), c}, kMap)));
    ASSERT_EQ(held.size(), 1U);
    EXPECT_EQ(held[0].shape, (Dims{8, 6, 1}));
    EXPECT_EQ(held[0].constant.size(), 48U);
    EXPECT_EQ(held[0].constant[13], element(e, c, 0, 2, 1));
}

TEST(Constant, OneNumberAChannelIsStillAConvolution) {
    Example e;
    const Lowering made = lowered(e, e.node("Add", {e.input(kMap), e.constant({4, 1, 1})}, kMap));
    ASSERT_EQ(made.network.layers.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<npu::Conv>(made.network.layers[0].attributes));
}

TEST(Constant, CoordinatesAreJoinedToAMap) {
    Example e;
    const ValueId before = e.constant({1, 2, 8, 6}), behind = e.constant({1, 1, 8, 6});
    const Lowering made =
        lowered(e, e.node("Concat", {before, e.input(kMap), behind}, {1, 7, 8, 6}, {{"axis", int64_t{1}}}));
    const auto held = constants(made);
    ASSERT_EQ(held.size(), 2U);
    EXPECT_EQ(held[0].shape, (Dims{8, 6, 2}));
    EXPECT_EQ(held[0].constant[2 * (6 * 3 + 4) + 1], element(e, before, 1, 3, 4));
    EXPECT_EQ(held[1].shape, (Dims{8, 6, 1}));
    EXPECT_EQ(std::get<npu::Concat>(made.network.layers[0].attributes).axis, 2);
}

TEST(Constant, ATokenAndPositionsLieAsThePatchesDo) {
    Example e;  // [1, C, H, W] -> [1, H * W, C], which lies as the convolution wrote it
    const ValueId patches = e.conv(e.input({1, 3, 8, 6}), 4);
    const ValueId list = e.node("Reshape", {patches, e.integers({1, 4, 48})}, {1, 4, 48});
    const ValueId turned = e.node("Transpose", {list}, {1, 48, 4}, {{"perm", Ints{0, 2, 1}}});
    const ValueId token = e.constant({1, 1, 4}), positions = e.constant({1, 49, 4});
    const ValueId joined = e.node("Concat", {token, turned}, {1, 49, 4}, {{"axis", int64_t{1}}});
    const Lowering made = lowered(e, e.node("Add", {joined, positions}, {1, 49, 4}));
    EXPECT_TRUE(made.declined.empty());
    std::vector<std::string> kinds;
    for (const npu::FloatLayer& layer : made.network.layers) kinds.push_back(npu::kind_name(layer.attributes));
    EXPECT_THAT(kinds, testing::ElementsAre("Conv", "Reshape", "Concat", "Add"));
    for (const npu::FloatTensor& tensor : made.network.tensors) {
        if (tensor.constant.empty()) continue;
        const ValueId source = tensor.shape[0] == 1 ? token : positions;
        EXPECT_THAT(tensor.constant, testing::ElementsAreArray(e.graph.value(source).constant->values<float>()));
    }
}

TEST(Constant, OfABatchServesEverySampleOrNone) {
    for (const bool same : {true, false}) {
        Example e;
        Tensor tensor(DataType::float32, {2, 1, 8, 6});
        for (size_t i = 0; i < 96; ++i) tensor.values<float>()[i] = static_cast<float>(same ? i % 48 : i);
        const ValueId c = e.graph.add_constant("c", tensor);
        const Lowering made = lowered(e, e.node("Add", {e.input({2, 1, 8, 6}), c}, {2, 1, 8, 6}));
        EXPECT_EQ(made.declined.size(), same ? 0U : 1U);
        if (!same) {
            EXPECT_EQ(made.declined.begin()->second.code, "NPU_CONSTANT_MAP");
            EXPECT_EQ(made.declined.begin()->second.actual, "`c`, which differs among the 2 samples of a batch");
        }
    }
}

TEST(Constant, NumbersThatStandForInfinityStayOnTheHost) {
    for (const float number : {-1e30F, 65504.0F, -std::numeric_limits<float>::infinity(),
                               std::numeric_limits<float>::quiet_NaN(), -65503.0F}) {
        Example e;
        Tensor tensor(DataType::float32, {8, 6});
        tensor.values<float>()[7] = number;
        const ValueId c = e.graph.add_constant("mask", tensor);
        const Lowering made = lowered(e, e.node("Add", {e.input(kMap), c}, kMap));
        ASSERT_EQ(made.declined.size(), number == -65503.0F ? 0U : 1U) << number;
        for (const auto& [id, limit] : made.declined) EXPECT_EQ(limit.code, "NPU_CONSTANT_MAP");
    }
}

TEST(Constant, ThatMakesTheMapLargerIsRefused) {
    Example e;
    const Lowering made = lowered(e, e.node("Add", {e.input({1, 4, 1, 6}), e.constant(kMap)}, kMap));
    ASSERT_EQ(made.declined.size(), 1U);
    EXPECT_EQ(made.declined.begin()->second.code, "NPU_BROADCAST");
}

}  // namespace
}  // namespace calotype::lower
