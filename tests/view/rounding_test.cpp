// The view in ONNX Runtime gives the emulator's codes, every one: random layers of each kind that rounds.

#include "random_network.hpp"

#include "npu/piecewise.hpp"

namespace calotype::view {
namespace {

npu::Activation clamped(float lo, float hi) {
    npu::Activation activation;
    activation.kind = npu::ActivationKind::clamp;
    activation.lo = lo;
    activation.hi = hi;
    return activation;
}

class ViewRounds : public testing::TestWithParam<uint32_t> {
  protected:
    RandomNetwork made{GetParam()};
    bool odd = GetParam() % 2 == 1;

    void convolution(int64_t ins, int64_t outs, int64_t groups, int64_t kernel) {
        npu::Conv conv{ins, outs, groups, {}};
        conv.window.height = {kernel, 1, 1, kernel / 2, kernel / 2};
        conv.window.width = {kernel, 1, 1, kernel / 2, kernel / 2};
        npu::Layer layer;
        layer.attributes = conv;
        layer.inputs = {made.input(ins, odd)};
        layer.output = made.tensor({kHeight, kWidth, outs}, made.quantization(outs, !odd));
        layer.activation = odd ? clamped(0, 6) : clamped(0, std::numeric_limits<float>::infinity());
        made.set_weights(layer, outs, kernel * kernel * ins / groups, 3);
        made.finish(std::move(layer));
        EXPECT_EQ(made.differing(), 0U);
    }
};

TEST_P(ViewRounds, ADenseConvolution) { convolution(24, 40, 1, 3); }
TEST_P(ViewRounds, APointwiseConvolution) { convolution(96, 32, 1, 1); }
TEST_P(ViewRounds, AGroupedConvolution) { convolution(12, 18, 3, 3); }
TEST_P(ViewRounds, ADepthwiseConvolutionWithTwoOutputsAChannel) { convolution(20, 40, 20, 5); }

TEST_P(ViewRounds, ASumThatIsATie) {  // one in eight is: real scales alone would let each fall either way
    npu::Layer layer;
    layer.attributes = npu::Conv{8, 40, 1, {}};
    layer.inputs = {made.input(8, odd)};
    layer.output = made.tensor({kHeight, kWidth, 40}, made.quantization(40, !odd));
    made.set_weights(layer, 40, 8, 3);
    for (int8_t& weight : layer.weights) weight = static_cast<int8_t>(weight % 4);
    for (int32_t& bias : layer.bias) bias %= 100;
    for (float& m : std::get<npu::Requantization>(layer.stage).m) m = 0.125F;
    made.finish(std::move(layer));
    EXPECT_EQ(made.differing(), 0U);
}

TEST_P(ViewRounds, AFullyConnectedLayer) {
    npu::Layer layer;
    layer.attributes = npu::FullyConnected{kHeight * kWidth * 3, 50};
    layer.inputs = {made.input(3, odd)};
    layer.output = made.tensor({50}, made.quantization(50, !odd));
    made.set_weights(layer, 50, kHeight * kWidth * 3, 3);
    made.finish(std::move(layer));
    EXPECT_EQ(made.differing(), 0U);
}

class ViewRoundsActivations : public ViewRounds {};

TEST_P(ViewRoundsActivations, EveryPiecewiseLinearOne) {
    using npu::ActivationKind;
    for (const auto kind :
         {ActivationKind::leaky_relu, ActivationKind::prelu, ActivationKind::sigmoid, ActivationKind::silu,
          ActivationKind::hard_swish, ActivationKind::hard_sigmoid, ActivationKind::tanh, ActivationKind::gelu_erf,
          ActivationKind::gelu_tanh, ActivationKind::mish, ActivationKind::softplus, ActivationKind::elu}) {
        RandomNetwork network{GetParam()};
        npu::Layer layer;
        layer.attributes = npu::Conv{16, 24, 1, {}};
        layer.inputs = {network.input(16, odd)};
        layer.output = network.tensor({kHeight, kWidth, 24}, network.quantization(24, !odd));
        network.set_weights(layer, 24, 16, 3);
        layer.activation.kind = kind;
        layer.activation.alpha = kind == ActivationKind::silu || kind == ActivationKind::elu ? 1 : 0.125F;
        layer.activation.beta = 0.5F;
        std::vector<double> sum_scale(layer.weight_scale.begin(), layer.weight_scale.end());
        const auto scale_in = npu::input_scale(layer.attributes, network.scales(layer.inputs[0]));
        for (double& scale : sum_scale) scale *= scale_in.front();
        auto made_table = npu::make_piecewise(layer.activation, sum_scale, network.scales(layer.output));
        layer.stage = made_table.stage;
        network.set_scales(layer.output, made_table.output);
        network.finish(std::move(layer));
        EXPECT_EQ(network.differing(), 0U) << npu::name_of(kind);
    }
}

TEST_P(ViewRounds, AnAddOfShortShiftsAndLong) {
    npu::Layer layer;
    layer.attributes = npu::Add{};
    layer.inputs = {made.input(40, odd), made.input(40, true)};
    // a fine output scale takes a short shift, where one sum in eight is a tie
    npu::Quantization output =
        GetParam() % 4 < 2 ? made.quantization(40, !odd, 0.05, 0.2) : made.quantization(40, !odd, 0.0126, 0.013);
    layer.output = made.tensor({kHeight, kWidth, 40}, output);
    layer.activation = odd ? clamped(-1, 3) : npu::Activation{};
    layer.stage = npu::make_add(made.scales(layer.inputs[0]), made.scales(layer.inputs[1]), output,
                                npu::bounds_of(layer.activation));
    made.finish(std::move(layer));
    EXPECT_EQ(made.differing(), 0U);
}

TEST_P(ViewRounds, AProduct) {
    npu::Layer layer;
    layer.attributes = npu::Mul{};
    layer.inputs = {made.input(40, odd), made.input(odd ? 1 : 40, false)};
    layer.output = made.tensor({kHeight, kWidth, 40}, made.quantization(40, odd, 0.2, 0.4));
    layer.stage = npu::make_mul(made.scales(layer.inputs[0]), made.scales(layer.inputs[1]), made.scales(layer.output));
    made.finish(std::move(layer));
    EXPECT_EQ(made.differing(), 0U);
}

TEST_P(ViewRounds, ASumAndAProductWithAConstantMap) {
    for (const bool product : {false, true}) {
        RandomNetwork network(GetParam());
        npu::Layer layer;
        layer.inputs = {network.input(40, odd), network.constant(product && odd ? 1 : 40, !odd)};
        layer.output = network.tensor({kHeight, kWidth, 40}, network.quantization(40, odd, 0.2, 0.4));
        const auto &a = network.scales(layer.inputs[0]), &b = network.scales(layer.inputs[1]);
        if (product) {
            layer.attributes = npu::Mul{};
            layer.stage = npu::make_mul(a, b, network.scales(layer.output));
        } else {
            layer.attributes = npu::Add{};
            layer.stage = npu::make_add(a, b, network.scales(layer.output), npu::bounds_of({}));
        }
        network.finish(std::move(layer));
        EXPECT_EQ(network.differing(), 0U) << (product ? "product" : "sum");
    }
}

TEST_P(ViewRounds, AConstantMapJoinedToAnother) {
    npu::Layer layer;
    layer.attributes = npu::Concat{2};
    const npu::TensorId constant = made.constant(3, false), x = made.input(4, false);
    layer.inputs = {constant, x};
    npu::Quantization joined;
    for (int c = 0; c < 7; ++c) {
        const npu::Quantization& part = made.scales(c < 3 ? constant : x);
        joined.scale.push_back(part.scale[0]);
        joined.zero_point.push_back(part.zero_point[0]);
    }
    layer.output = made.tensor({kHeight, kWidth, 7}, joined);
    made.finish(std::move(layer));
    EXPECT_EQ(made.differing(), 0U);
}

TEST_P(ViewRounds, ARequantizeLayer) {
    npu::Layer layer;
    layer.attributes = npu::Requantize{};
    layer.inputs = {made.input(40, !odd)};
    layer.output = made.tensor({kHeight, kWidth, 40}, made.quantization(40, odd));
    layer.stage = npu::make_requantize(made.scales(layer.inputs[0]), made.scales(layer.output));
    made.finish(std::move(layer));
    EXPECT_EQ(made.differing(), 0U);
}

// Whole numbers over a range of 274: 137 lies half way between codes 127 and 128, which division and multiplication by
// the inverse tell apart.
TEST(ViewRoundsInputs, WhereTheyAreTies) {
    RandomNetwork made(1);
    npu::Layer layer;
    layer.attributes = npu::Requantize{};
    npu::Quantization q{{274.0F / 255}, {-14}};
    layer.inputs = {made.input(3, q)};
    layer.output = made.tensor({kHeight, kWidth, 3}, q);
    layer.stage = npu::make_requantize(q, q);
    made.finish(std::move(layer));
    std::vector<float> pixels;
    for (int64_t i = 0; i < 3 * kHeight * kWidth; ++i) pixels.push_back(static_cast<float>(i % 275 - 123));
    EXPECT_EQ(made.differing({{"t0", pixels}}), 0U);
}

TEST_P(ViewRounds, AnAveragePool) {
    npu::Pool pool;
    pool.kind = npu::PoolKind::average;
    pool.window.height = {3, 2, 1, 1, 1};
    pool.window.width = {2, 1, 1, 0, 0};
    npu::Layer layer;
    layer.attributes = pool;
    layer.inputs = {made.input(40, odd)};
    layer.output = made.tensor({6, kWidth - 1, 40}, made.quantization(40, odd));
    layer.stage = npu::make_average_pool(made.scales(layer.inputs[0]), made.scales(layer.output), 6);
    made.finish(std::move(layer));
    EXPECT_EQ(made.differing(), 0U);
}

TEST_P(ViewRounds, APoolOverTheWholeMap) {
    npu::Pool pool;
    pool.kind = npu::PoolKind::average;
    pool.global = true;
    npu::Layer layer;
    layer.attributes = pool;
    layer.inputs = {made.input(400, odd)};
    layer.output = made.tensor({1, 1, 400}, made.quantization(400, odd, 0.005, 0.01));
    npu::set_global_average_pool(layer, made.scales(layer.inputs[0]), made.scales(layer.output), kHeight * kWidth);
    made.finish(std::move(layer));
    EXPECT_EQ(made.differing(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ViewRounds, testing::Range(0U, 8U));
INSTANTIATE_TEST_SUITE_P(Seeds, ViewRoundsActivations, testing::Range(0U, 2U));  // one output scale, several

}  // namespace
}  // namespace calotype::view
