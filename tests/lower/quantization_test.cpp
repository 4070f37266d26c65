// QuantizeLinear and DequantizeLinear: the scales that tensors have, and no layers.

#include <gmock/gmock.h>

#include "lower/example.hpp"
#include "lower/lower.hpp"

namespace calotype::lower {
namespace {

using graph::ValueId;
using sketch::Example;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Quantized : Example {
    template <class Code>
    ValueId code(Code zero_point) {
        return graph.add_constant(graph.unused_value_name("z"), Tensor::of<Code>({}, std::vector<Code>{zero_point}));
    }
    template <class Code>
    ValueId quantize(ValueId x, float scale, Code zero_point) {
        const ValueId y = node("QuantizeLinear", {x, scalar(scale), code(zero_point)}, *graph.value(x).dims);
        graph.value(y).type = data_type_of<Code>();
        return y;
    }
    template <class Code>
    ValueId dequantize(ValueId q, float scale, Code zero_point) {
        return node("DequantizeLinear", {q, scalar(scale), code(zero_point)}, *graph.value(q).dims);
    }
    template <class Code>
    ValueId rounded(ValueId x, float scale, Code zero_point) {
        return dequantize(quantize(x, scale, zero_point), scale, zero_point);
    }
    Lowering lowered(ValueId y) {
        graph.outputs = {y};
        return lower(graph, npu::find_config(std::string(kNpu)));
    }
    static constexpr std::string_view kNpu = "VE2802_NPU_IP_O00_A304_M3";
};

std::vector<std::string> kinds(const npu::FloatNetwork& network) {
    std::vector<std::string> names;
    for (const npu::FloatLayer& layer : network.layers) names.push_back(npu::kind_name(layer.attributes));
    return names;
}

const npu::FloatTensor& written_by(const npu::FloatNetwork& network, size_t layer) {
    return network.tensors[static_cast<size_t>(network.layers[layer].output)];
}

const npu::Quantization kOne{{0.5F}, {-8}};

TEST(Quantization, IsReadOffAndIsNoLayer) {
    Quantized e;
    const ValueId x = e.rounded<uint8_t>(e.input({1, 3, 8, 8}), 0.5F, 120);
    const ValueId y = e.rounded<int8_t>(e.node("Relu", {e.conv(x, 4)}, {1, 4, 8, 8}), 0.25F, -128);
    const Lowering lowering = e.lowered(y);
    EXPECT_THAT(lowering.declined, IsEmpty());
    EXPECT_THAT(kinds(lowering.network), ElementsAre("Conv"));
    EXPECT_EQ(lowering.network.tensors[0].stated, kOne);
    EXPECT_EQ(written_by(lowering.network, 0).stated, (npu::Quantization{{0.25F}, {-128}}));
    EXPECT_EQ(written_by(lowering.network, 0).value, e.graph.value(y).name);
}

TEST(Quantization, ASecondScaleIsARequantizeLayer) {
    Quantized e;
    const ValueId sum = e.rounded<int8_t>(e.conv(e.rounded<int8_t>(e.input({1, 3, 8, 8}), 1, 0), 4), 0.5F, 0);
    const ValueId y = e.rounded<int8_t>(e.node("Relu", {sum}, {1, 4, 8, 8}), 0.25F, 0);
    const Lowering lowering = e.lowered(y);
    EXPECT_THAT(kinds(lowering.network), ElementsAre("Conv", "Requantize"));
    EXPECT_EQ(lowering.network.layers[0].activation.kind, npu::ActivationKind::clamp);
}

TEST(Quantization, AScaleBeforeATableStays) {
    Quantized e;
    const ValueId sum = e.rounded<int8_t>(e.conv(e.rounded<int8_t>(e.input({1, 3, 8, 8}), 1, 0), 4), 0.5F, 0);
    const ValueId y = e.rounded<int8_t>(e.node("Sigmoid", {sum}, {1, 4, 8, 8}), 0.004F, -128);
    EXPECT_THAT(kinds(e.lowered(y).network), ElementsAre("Conv", "DepthwiseConv"));
}

TEST(Quantization, SixteenBitsKeepTheirRange) {
    Quantized e;
    const ValueId y =
        e.rounded<uint16_t>(e.conv(e.rounded<uint16_t>(e.input({1, 3, 8, 8}), 0.001F, 0), 4), 0.002F, 257);
    const npu::FloatNetwork network = e.lowered(y).network;
    EXPECT_EQ(network.tensors[0].stated, (npu::Quantization{{0.257F}, {-128}}));
    EXPECT_EQ(written_by(network, 0).stated, (npu::Quantization{{0.514F}, {-127}}));
    EXPECT_TRUE(network.tensors[0].narrowed);
}

TEST(Quantization, CodesEnterAndLeave) {
    Quantized e;
    const ValueId x = e.input({1, 3, 8, 8}, DataType::uint8);
    const ValueId y = e.quantize<int8_t>(e.conv(e.dequantize<uint8_t>(x, 0.5F, 120), 4), 0.25F, 3);
    const npu::FloatNetwork network = e.lowered(y).network;
    ASSERT_EQ(network.inputs.size(), 1U);
    EXPECT_EQ(network.inputs[0].type, DataType::uint8);
    EXPECT_EQ(network.inputs[0].value, e.graph.value(x).name);
    EXPECT_EQ(network.tensors[0].stated, kOne);
    ASSERT_EQ(network.outputs.size(), 1U);
    EXPECT_EQ(network.outputs[0].type, DataType::int8);
}

TEST(Quantization, ScalesOfChannelsAndScalesThatDifferAreDeclined) {
    Quantized e;
    const ValueId channels = e.constant({3});
    const ValueId x = e.input({1, 3, 8, 8});
    const ValueId q = e.node("QuantizeLinear", {x, channels}, {1, 3, 8, 8}, {{"axis", int64_t{1}}});
    e.graph.value(q).type = DataType::uint8;
    const Lowering lowering = e.lowered(e.conv(e.node("DequantizeLinear", {q, channels}, {1, 3, 8, 8}), 4));
    EXPECT_EQ(lowering.declined.size(), 2U);
    for (const auto& [node, limit] : lowering.declined) EXPECT_EQ(limit.code, "NPU_QUANTIZATION");

    Quantized f;
    const ValueId codes = f.quantize<int8_t>(f.conv(f.input({1, 3, 8, 8}), 4), 0.25F, 3);
    const Lowering other = f.lowered(f.dequantize<int8_t>(codes, 0.5F, 3));
    ASSERT_EQ(other.declined.size(), 1U);
    EXPECT_EQ(other.declined.begin()->second.code, "NPU_QUANTIZATION");
}

}  // namespace
}  // namespace calotype::lower
