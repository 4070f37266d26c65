#include "lower/lower.hpp"

#include <gmock/gmock.h>

#include <functional>
#include <set>

#include "lower/example.hpp"
#include "npu/limits.hpp"

namespace calotype::lower {
namespace {

using calotype::sketch::Example;
using graph::ValueId;
using Ints = std::vector<int64_t>;

npu::Config config() { return npu::find_config(npu::kDefaultConfig); }

Lowering lowered(Example& example, ValueId output) {
    example.graph.outputs.push_back(output);
    return lower(example.graph, config());
}

std::string kinds(const Lowering& lowering) {
    std::string text;
    for (const npu::FloatLayer& layer : lowering.network.layers)
        text += (text.empty() ? "" : " ") + npu::kind_name(layer.attributes);
    return text;
}

TEST(Lower, ConvAndReluAreOneLayerWhoseSumKeepsItsName) {
    Example e;
    const ValueId sum = e.conv(e.input({1, 3, 8, 8}), 4, 3);
    const Lowering made = lowered(e, e.node("Relu", {sum}, {1, 4, 8, 8}));
    ASSERT_EQ(kinds(made), "Conv");
    const npu::FloatLayer& layer = made.network.layers[0];
    EXPECT_EQ(layer.activation.kind, npu::ActivationKind::clamp);
    EXPECT_EQ(layer.activation.lo, 0);
    EXPECT_EQ(layer.sum_value, e.graph.value(sum).name);
    EXPECT_EQ(layer.sources.size(), 2U);
    EXPECT_EQ(made.network.tensors[1].value, made.network.outputs[0].value);
    EXPECT_EQ(made.network.inputs[0].axes, (Ints{1, 2, 0}));
}

TEST(Lower, AnActivationAloneSumsItsInput) {
    Example e;
    const ValueId x = e.input({1, 3, 8, 8});
    const Lowering made = lowered(e, e.node("Sigmoid", {x}, {1, 3, 8, 8}));
    ASSERT_EQ(made.network.layers.size(), 1U);
    EXPECT_EQ(made.network.layers[0].sum_value, e.graph.value(x).name);
}

TEST(Lower, SpaceToDepthKnowsOneOrderOfChannels) {
    for (const std::string mode : {"DCR", "CRD"}) {
        Example e;
        const ValueId x = e.input({1, 3, 8, 8});
        const std::map<std::string, graph::Attribute> attributes{{"blocksize", int64_t{2}}, {"mode", mode}};
        EXPECT_EQ(kinds(lowered(e, e.node("SpaceToDepth", {x}, {1, 12, 4, 4}, attributes))),
                  mode == "DCR" ? "SpaceToDepth" : "");
    }
}

TEST(Lower, ASumThatOthersReadKeepsItsOwnLayer) {
    Example e;
    const ValueId sum = e.conv(e.input({1, 4, 8, 8}), 4, 3);
    const ValueId gate = e.node("Tanh", {sum}, {1, 4, 8, 8});
    EXPECT_EQ(kinds(lowered(e, e.node("Add", {sum, gate}, {1, 4, 8, 8}))), "Conv DepthwiseConv Add");
}

TEST(Lower, EveryActivationOfTheTableFusesIntoItsConvolution) {
    for (const char* op :
         {"Relu", "LeakyRelu", "Sigmoid", "HardSwish", "HardSigmoid", "Tanh", "Gelu", "Mish", "Softplus", "Elu"}) {
        Example e;
        const Lowering made = lowered(e, e.node(op, {e.conv(e.input({1, 4, 8, 8}), 4)}, {1, 4, 8, 8}));
        EXPECT_EQ(kinds(made), "Conv") << op;
        EXPECT_NE(made.network.layers.at(0).activation.kind, npu::ActivationKind::none) << op;
    }
}

// Its output's scale would grow until it is no number.
TEST(Lower, WhatIsSteepIsNoActivation) {
    for (const float alpha : {1e6F, -1e6F, 1e7F, -1e38F}) {
        Example e;
        const Lowering made =
            lowered(e, e.node("LeakyRelu", {e.conv(e.input({1, 4, 8, 8}), 4)}, {1, 4, 8, 8}, {{"alpha", alpha}}));
        EXPECT_EQ(made.declined.size(), std::abs(alpha) > 1e6F ? 1U : 0U) << alpha;
    }
}

TEST(Lower, ActivationsOfSeveralNodes) {
    const Dims dims{1, 4, 8, 8};
    const auto activation = [&](const std::function<ValueId(Example&, ValueId)>& of) {
        Example e;
        const ValueId x = e.conv(e.input(dims), 4);
        const Lowering made = lowered(e, of(e, x));
        EXPECT_EQ(kinds(made), "Conv");
        return made.network.layers.at(0).activation.kind;
    };
    EXPECT_EQ(activation([&](Example& e, ValueId x) { return e.node("Mul", {x, e.node("Sigmoid", {x}, dims)}, dims); }),
              npu::ActivationKind::silu);
    EXPECT_EQ(activation([&](Example& e, ValueId x) {
                  return e.node("Mul", {x, e.node("Tanh", {e.node("Softplus", {x}, dims)}, dims)}, dims);
              }),
              npu::ActivationKind::mish);
    EXPECT_EQ(activation([&](Example& e, ValueId x) { return e.node("PRelu", {x, e.scalar(0.2F)}, dims); }),
              npu::ActivationKind::prelu);
    EXPECT_EQ(activation([&](Example& e, ValueId x) { return e.node("Clip", {x, e.scalar(0), e.scalar(6)}, dims); }),
              npu::ActivationKind::clamp);
}

TEST(Lower, ClampsFuseIntoAddAveragePoolAndMulOthersDoNot) {
    const Dims dims{1, 4, 8, 8};
    const std::pair<std::string, std::function<ValueId(Example&, ValueId)>> layers[] = {
        {"Conv Conv Add", [&](Example& e, ValueId x) { return e.node("Add", {e.conv(x, 4), e.conv(x, 4)}, dims); }},
        {"Conv Conv Mul", [&](Example& e, ValueId x) { return e.node("Mul", {e.conv(x, 4), e.conv(x, 4)}, dims); }},
        {"Conv AveragePool",
         [&](Example& e, ValueId x) {
             return e.node("AveragePool", {e.conv(x, 4)}, {1, 4, 4, 4},
                           {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}});
         }},
    };
    for (const auto& [expected, of] : layers)
        for (const char* op : {"Relu", "Sigmoid"}) {
            Example e;
            const ValueId y = of(e, e.input(dims));
            const Lowering made = lowered(e, e.node(op, {y}, *e.graph.value(y).dims));
            const bool fuses = op == std::string("Relu");
            EXPECT_EQ(kinds(made), expected + (fuses ? "" : " DepthwiseConv")) << op;
            EXPECT_EQ(made.network.layers.back().activation.kind,
                      fuses ? npu::ActivationKind::clamp : npu::ActivationKind::sigmoid);
        }
}

TEST(Lower, FlattenAndFullyConnectedFollowTheMemoryOrder) {
    Example e;
    const ValueId x = e.conv(e.input({1, 3, 2, 2}), 2);
    const ValueId flat = e.node("Flatten", {x}, {1, 8});
    const ValueId weights = e.constant({5, 8});
    const Lowering made =
        lowered(e, e.node("Gemm", {flat, weights, e.constant({5})}, {1, 5}, {{"transB", int64_t{1}}}));
    ASSERT_EQ(kinds(made), "Conv FullyConnected");
    const auto given = e.graph.value(weights).constant->values<float>();
    const auto& rows = made.network.layers[1].weights;  // memory is [h, w, c], the value [c, h, w]
    EXPECT_EQ(rows[0], given[0]);
    EXPECT_EQ(rows[1], given[4]);
    EXPECT_EQ(rows[2], given[1]);
    EXPECT_EQ(rows[8 + 3], given[8 + 5]);
}

TEST(Lower, ATransposeBehindTheInputVanishesIntoItsPlacement) {
    Example e;
    const ValueId x = e.input({1, 8, 8, 3});
    const ValueId turned = e.node("Transpose", {x}, {1, 3, 8, 8}, {{"perm", Ints{0, 3, 1, 2}}});
    const Lowering made = lowered(e, e.conv(turned, 4));
    EXPECT_EQ(kinds(made), "Conv");
    EXPECT_TRUE(made.declined.empty());
    EXPECT_TRUE(std::is_sorted(made.network.inputs.at(0).axes.begin(), made.network.inputs.at(0).axes.end()));
}

TEST(Lower, ShuffledChannelsAreALayer) {
    Example e;
    const ValueId x = e.conv(e.input({1, 6, 4, 4}), 6);
    const ValueId split = e.node("Reshape", {x, e.integers({1, 2, 3, 4, 4})}, {1, 2, 3, 4, 4});
    const ValueId turned = e.node("Transpose", {split}, {1, 3, 2, 4, 4}, {{"perm", Ints{0, 2, 1, 3, 4}}});
    const ValueId joined = e.node("Reshape", {turned, e.integers({1, 6, 4, 4})}, {1, 6, 4, 4});
    const Lowering made = lowered(e, e.conv(joined, 2));
    ASSERT_EQ(kinds(made), "Conv ChannelReorder Conv");
    EXPECT_EQ(std::get<npu::ChannelReorder>(made.network.layers[1].attributes).source, (Ints{0, 3, 1, 4, 2, 5}));
}

TEST(Lower, ChannelsInAnotherOrderAreALayerOtherAxesAreNot) {
    const auto gathered = [](int64_t axis, const Dims& dims) {
        Example e;
        const ValueId x = e.conv(e.input({1, 3, 4, 4}), 3);
        return lowered(e, e.node("Gather", {x, e.integers({2, -2, 0})}, dims, {{"axis", axis}}));
    };
    const Lowering made = gathered(1, {1, 3, 4, 4});
    ASSERT_EQ(kinds(made), "Conv ChannelReorder");
    EXPECT_EQ(std::get<npu::ChannelReorder>(made.network.layers[1].attributes).source, (Ints{2, 1, 0}));
    EXPECT_EQ(gathered(2, {1, 3, 3, 4}).declined.begin()->second.code, "NPU_AXIS");
}

/// A detection head: the map of each level as a list [1, boxes, numbers], the lists joined.
ValueId joined_lists(Example& e, int64_t numbers) {
    std::vector<ValueId> lists;
    for (const int64_t size : {6, 3}) {
        const ValueId x = e.conv(e.input({1, 5, size, size}), 2 * numbers);
        const ValueId turned = e.node("Transpose", {x}, {1, size, size, 2 * numbers}, {{"perm", Ints{0, 2, 3, 1}}});
        const int64_t boxes = size * size * 2;
        lists.push_back(e.node("Reshape", {turned, e.integers({1, boxes, numbers})}, {1, boxes, numbers}));
    }
    return e.node("Concat", lists, {1, 90, numbers}, {{"axis", int64_t{1}}});
}

TEST(Lower, ListsOfBoxesAreJoinedAsTheyLie) {
    Example e;
    const Lowering made = lowered(e, joined_lists(e, 4));
    EXPECT_TRUE(made.declined.empty());
    ASSERT_EQ(kinds(made), "Conv Conv Reshape Reshape Concat");
    EXPECT_EQ(std::get<npu::Concat>(made.network.layers[4].attributes).axis, 0);
    const npu::Placement& output = made.network.outputs.at(0);
    EXPECT_EQ(made.network.tensors[static_cast<size_t>(output.tensor)].shape, (Dims{90, 4}));
    EXPECT_TRUE(std::is_sorted(output.axes.begin(), output.axes.end()));
}

TEST(Lower, ListsOfBoxesAreCutAsTheyLie) {
    Example e;
    const ValueId joined = joined_lists(e, 6);
    const Lowering made = lowered(
        e, e.node("Slice", {joined, e.integers({2}), e.integers({6}), e.integers({2}), e.integers({1})}, {1, 90, 4}));
    EXPECT_TRUE(made.declined.empty());
    ASSERT_EQ(kinds(made), "Conv Conv Reshape Reshape Concat Crop");
    const auto& crop = std::get<npu::Crop>(made.network.layers[5].attributes);
    EXPECT_EQ(crop.first[3], 2);
    EXPECT_EQ(crop.first[2], 0);
}

TEST(Lower, ATransposeThatIsMoreThanLayoutStaysBehind) {
    Example e;
    const ValueId x = e.conv(e.input({1, 4, 6, 6}), 4);
    const ValueId turned = e.node("Transpose", {x}, {1, 4, 6, 6}, {{"perm", Ints{0, 1, 3, 2}}});
    const Lowering made = lowered(e, e.conv(turned, 2));
    EXPECT_EQ(kinds(made), "Conv Conv");
    ASSERT_EQ(made.declined.size(), 1U);
    EXPECT_EQ(e.graph.node(made.declined.begin()->first).op, "Transpose");
    EXPECT_EQ(made.declined.begin()->second.code, "NPU_TRANSPOSE");
}

TEST(Lower, AMaxPoolOfAMapThatTheHostPadsIsTheHostsToo) {
    Example e;  // the padding's -1000 would widen the range of the NPU's input
    const ValueId padded = e.node(
        "Pad", {e.conv(e.input({1, 4, 8, 8}), 4), e.integers({0, 0, 1, 1, 0, 0, 0, 0}), e.scalar(-1000)}, {1, 4, 9, 9});
    const ValueId pooled =
        e.node("MaxPool", {padded}, {1, 4, 4, 4}, {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}});
    const Lowering made = lowered(e, e.conv(pooled, 2));
    EXPECT_EQ(kinds(made), "Conv Conv");
    ASSERT_EQ(made.declined.size(), 2U);
    for (const auto& [id, limit] : made.declined) EXPECT_EQ(limit.code, "NPU_PAD_VALUE");
}

TEST(Lower, ASentinelJoinedToAMapKeepsAMaxPoolOnTheHost) {
    for (const float fill : {-1e30F, -1.0F}) {
        Example e;
        const ValueId map = e.conv(e.input({1, 4, 8, 8}), 4);
        const ValueId edge =
            e.graph.add_constant("edge", Tensor::of<float>({1, 4, 1, 8}, std::vector<float>(32, fill)));
        const ValueId joined = e.node("Concat", {map, edge}, {1, 4, 9, 8}, {{"axis", int64_t{2}}});
        const Lowering made = lowered(e, e.node("MaxPool", {joined}, {1, 4, 8, 7}, {{"kernel_shape", Ints{2, 2}}}));
        EXPECT_EQ(made.declined.size(), fill == -1.0F ? 0U : 2U) << fill;
    }
}

struct Refusal {
    const char* code;
    std::function<ValueId(Example&)> build;
};
std::vector<Refusal> refusals() {
    const auto map = [](Example& e) { return e.input({1, 4, 8, 8}); };
    const Dims same{1, 4, 8, 8};
    const auto plain = [=](const char* op) { return [=](Example& e) { return e.node(op, {map(e)}, same); }; };
    return {
        {"NPU_AVERAGE_PADDING",
         [=](Example& e) {
             return e.node("AveragePool", {map(e)}, same, {{"kernel_shape", Ints{3, 3}}, {"pads", Ints{1, 1, 1, 1}}});
         }},
        {"NPU_POOL_KERNEL",
         [](Example& e) { return e.node("GlobalAveragePool", {e.input({1, 4, 64, 64})}, {1, 4, 1, 1}); }},
        {"NPU_THIN_MAX_POOL",
         [=](Example& e) { return e.node("MaxPool", {map(e)}, {1, 4, 8, 6}, {{"kernel_shape", Ints{1, 3}}}); }},
        {"NPU_POOL_3D",
         [](Example& e) {
             return e.node("MaxPool", {e.input({1, 4, 8, 8, 8})}, {1, 4, 7, 7, 7}, {{"kernel_shape", Ints{2, 2, 2}}});
         }},
        {"NPU_PAD_PIXELS",
         [=](Example& e) { return e.node("Pad", {map(e), e.integers({0, 0, 16, 0, 0, 0, 0, 0})}, {1, 4, 24, 8}); }},
        {"NPU_PAD_MODE",
         [=](Example& e) {
             return e.node("Pad", {map(e), e.integers({0, 0, 1, 0, 0, 0, 0, 0})}, {1, 4, 9, 8},
                           {{"mode", std::string("reflect")}});
         }},
        {"NPU_PAD_VALUE",
         [=](Example& e) {
             return e.node("Pad", {map(e), e.integers({0, 0, 1, 0, 0, 0, 0, 0}), e.scalar(1)}, {1, 4, 9, 8});
         }},
        {"NPU_SPACE_TO_DEPTH_BLOCK",
         [=](Example& e) { return e.node("SpaceToDepth", {map(e)}, {1, 64, 2, 2}, {{"blocksize", int64_t{4}}}); }},
        {"NPU_MUL_CHANNELS", [=](Example& e) { return e.node("Mul", {map(e), e.input({1, 4, 1, 1})}, same); }},
        {"NPU_SQUARE",
         [=](Example& e) {
             const ValueId x = map(e);
             return e.node("Mul", {x, x}, same);
         }},
        {"NPU_BROADCAST", [=](Example& e) { return e.node("Add", {map(e), e.input({1, 4, 1, 8})}, same); }},
        {"NPU_CONSTANT_MAP",
         [=](Example& e) { return e.node("Conv", {e.constant(same), e.constant({4, 4, 1, 1})}, same); }},
        {"NPU_RESIZE_MODE",
         [=](Example& e) { return e.node("Resize", {map(e)}, {1, 4, 16, 16}, {{"mode", std::string("linear")}}); }},
        {"NPU_RESIZE_FACTOR", [=](Example& e) { return e.node("Resize", {map(e)}, {1, 4, 12, 12}); }},
        {"NPU_RUN_TIME_WEIGHTS",
         [=](Example& e) { return e.node("Conv", {map(e), e.input({2, 4, 1, 1})}, {1, 2, 8, 8}); }},
        {"NPU_MATMUL", [](Example& e) { return e.node("MatMul", {e.input({1, 8}), e.input({8, 3})}, {1, 3}); }},
        {"NPU_PRELU_MAPS", [=](Example& e) { return e.node("PRelu", {map(e), e.constant({4, 1, 1})}, same); }},
        {"NPU_DATA_TYPE", [=](Example& e) { return e.node("Relu", {e.input({1, 4, 8, 8}, DataType::float64)}, same); }},
        {"NPU_SHAPE", [](Example& e) { return e.node("Reshape", {e.input({1, 4}), e.integers({4, 1})}, {4, 1}); }},
        {"NPU_AXIS", [=](Example& e) { return e.node("ReduceMean", {map(e), e.integers({0})}, same); }},
        {"NPU_TRANSPOSE", [=](Example& e) { return e.node("Transpose", {e.input({1, 4})}, {4, 1}); }},
        {"NPU_ATTRIBUTE",
         [=](Example& e) {
             const ValueId x = map(e);
             return e.node("Sum", {x, x, x}, same);
         }},
        {"NPU_CONV_TRANSPOSE", plain("ConvTranspose")},
        {"NPU_DEPTH_TO_SPACE", plain("DepthToSpace")},
        {"NPU_CROP_AND_RESIZE", plain("RoiAlign")},
        {"NPU_RSQRT", plain("Reciprocal")},
        {"NPU_L2_NORM", plain("LpNormalization")},
        {"NPU_SOFTMAX", plain("Softmax")},
        {"NPU_LAYER_NORM", plain("InstanceNormalization")},
        {"NPU_DEFORMABLE_CONV", plain("DeformConv")},
        {"NPU_OPERATOR", plain("Cos")}};
}

TEST(Lower, EveryRuleCanBeBrokenAndIsNamed) {
    // Said by partition, tested beside (quantization_test), or (PixelUnshuffle) a Transpose like any other.
    std::set<std::string_view> seen{"NPU_DOES_NOT_PAY", "NPU_NONE",       "NPU_PIXEL_UNSHUFFLE",
                                    "NPU_RANGES",       "NPU_NOT_FINITE", "NPU_NO_SCALE",
                                    "NPU_QUANTIZATION", "NPU_FEW_CODES",  "NPU_HOST_READS"};
    for (const Refusal& refusal : refusals()) {
        Example e;
        const Lowering made = lowered(e, refusal.build(e));
        ASSERT_EQ(made.declined.size(), 1U) << refusal.code;
        const npu::BrokenLimit& limit = made.declined.begin()->second;
        EXPECT_EQ(limit.code, refusal.code) << limit.what << ": " << limit.actual;
        EXPECT_THAT(limit.actual.substr(0, limit.actual.find(';')),
                    testing::Not(testing::ContainsRegex(" (is|are|would) ")))
            << "it ends the sentence `" << limit.what << " is ...`";
        EXPECT_FALSE(limit.actual.empty() || limit.limit.empty() || limit.hint.empty()) << refusal.code;
        seen.insert(refusal.code);
    }
    for (const auto& limits : {npu::layer_limits(), npu::node_limits()})
        for (const npu::Limit& limit : limits) EXPECT_TRUE(seen.contains(limit.code)) << limit.code << " has no case";
}

TEST(Lower, EveryStatisticOfABatchNormalizationHasAValueAChannel) {
    for (size_t wrong = 0; wrong < 4; ++wrong) {
        Example e;
        std::vector<ValueId> inputs{e.input({1, 4, 8, 8})};
        for (size_t i = 0; i < 4; ++i) inputs.push_back(e.constant({i == wrong ? 3 : 4}));
        const Lowering made = lowered(e, e.node("BatchNormalization", inputs, {1, 4, 8, 8}));
        ASSERT_EQ(made.declined.size(), 1U) << wrong;
        EXPECT_EQ(made.declined.begin()->second.code, "NPU_ATTRIBUTE");
        EXPECT_EQ(made.declined.begin()->second.actual, "3 statistics for 4 channels");
    }
}

TEST(Lower, OtherSpellings) {
    const Dims same{1, 4, 8, 8};
    const auto kinds_of = [](const std::function<ValueId(Example&, ValueId)>& of) {
        Example e;
        const ValueId x = e.input({1, 4, 8, 8});
        const Lowering made = lowered(e, of(e, x));
        EXPECT_TRUE(made.declined.empty());
        return kinds(made);
    };
    EXPECT_EQ(kinds_of([&](Example& e, ValueId x) {
                  return e.node("ReduceMean", {x, e.integers({2, 3})}, {1, 4}, {{"keepdims", int64_t{0}}});
              }),
              "GlobalAveragePool");
    EXPECT_EQ(
        kinds_of([&](Example& e, ValueId x) { return e.node("ReduceMean", {x, e.integers({-1})}, {1, 4, 8, 1}); }),
        "AveragePool");
    EXPECT_EQ(kinds_of([&](Example& e, ValueId x) { return e.node("ReduceSum", {x, e.integers({1})}, {1, 1, 8, 8}); }),
              "Conv");
    EXPECT_EQ(kinds_of([&](Example& e, ValueId x) { return e.node("Sub", {e.scalar(1), x}, same); }), "DepthwiseConv");
    EXPECT_EQ(kinds_of([&](Example& e, ValueId x) { return e.node("Mul", {x, e.constant({4, 1, 1})}, same); }),
              "DepthwiseConv");
    EXPECT_EQ(kinds_of([&](Example& e, ValueId x) { return e.node("Resize", {x}, {1, 4, 16, 24}); }), "Upsample");
    EXPECT_EQ(kinds_of([&](Example& e, ValueId x) {
                  return e.node("Slice", {x, e.integers({0}), e.integers({8}), e.integers({2}), e.integers({2})},
                                {1, 4, 4, 8});
              }),
              "Crop");
    EXPECT_EQ(kinds_of([&](Example& e, ValueId x) { return e.node("Mul", {x, e.conv(x, 1)}, same); }), "Conv Mul");
    EXPECT_EQ(kinds_of([&](Example& e, ValueId x) {
                  return e.node("Concat", {x, e.conv(x, 2)}, {1, 6, 8, 8}, {{"axis", int64_t{1}}});
              }),
              "Conv Concat");
    EXPECT_EQ(kinds_of([&](Example& e, ValueId x) {
                  return e.node("Pad", {x, e.integers({0, 2, 0, 0, 0, 2, 0, 0})}, {1, 8, 8, 8});
              }),
              "Pad");
}

}  // namespace
}  // namespace calotype::lower
