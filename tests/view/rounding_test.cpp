// The view in ONNX Runtime gives the emulator's codes, every one: random layers of each kind that rounds by a
// requantization or an Add. What the tensors hold is random, the constants come from the scales as the compiler makes
// them.

#include <gtest/gtest.h>

#include <random>

#include "emulate/executor.hpp"
#include "npu/arithmetic.hpp"
#include "onnx/write.hpp"
#include "ort/session.hpp"
#include "plan/plan.hpp"
#include "view/view.hpp"

namespace calotype::view {
namespace {

constexpr int64_t kHeight = 12, kWidth = 11;

class RandomNetwork {
  public:
    explicit RandomNetwork(uint32_t seed) : random_(seed) {}

    npu::TensorId input(int64_t channels, bool per_channel) {
        return input(channels, quantization(channels, per_channel));
    }
    npu::TensorId input(int64_t channels, npu::Quantization q) {
        const npu::TensorId id = tensor({kHeight, kWidth, channels}, std::move(q));
        network_.inputs.push_back(placement(id));
        return id;
    }
    npu::TensorId tensor(Dims shape, npu::Quantization q) {
        network_.tensors.push_back({"t" + std::to_string(network_.tensors.size()), std::move(shape), std::move(q)});
        return static_cast<npu::TensorId>(network_.tensors.size() - 1);
    }
    npu::Quantization quantization(int64_t channels, bool per_channel, double least = 0.02, double most = 0.1) {
        npu::Quantization q;
        for (int64_t c = 0; c < (per_channel ? channels : 1); ++c) {
            q.scale.push_back(real(least, most));
            q.zero_point.push_back(static_cast<int32_t>(random_() % 256) - 128);
        }
        return q;
    }
    const npu::Quantization& scales(npu::TensorId id) const { return of(id).quantization; }
    float real(double least, double most) {
        return static_cast<float>(std::uniform_real_distribution<double>(least, most)(random_));
    }
    /// Weights and bias for sums that fill the output's codes and leave them now and then.
    void set_weights(npu::Layer& layer, int64_t outs, int64_t taps_of_one, double output_range) {
        const npu::Quantization& in = scales(layer.inputs[0]);
        std::vector<float> weights(static_cast<size_t>(outs * taps_of_one)), bias(static_cast<size_t>(outs));
        const double size = output_range / (0.05 * 74 * std::sqrt(static_cast<double>(taps_of_one)));
        for (float& w : weights) w = real(-size, size);
        for (float& b : bias) b = real(-1, 1);
        npu::absorb_input_scales(weights, layer.attributes, in);
        const auto scale_in = npu::input_scale(layer.attributes, in);
        auto quantized = npu::quantize_weights(weights, bias, scale_in);
        layer.stage =
            npu::make_requantization(scale_in, quantized.scale, scales(layer.output), npu::bounds_of(layer.activation));
        layer.weights = std::move(quantized.weights);
        layer.bias = std::move(quantized.bias);
        layer.weight_scale = std::move(quantized.scale);
    }
    void finish(npu::Layer layer) {
        layer.name = "layer";
        network_.outputs = {placement(layer.output)};
        network_.layers = {std::move(layer)};
    }

    /// Random codes through both; the number of outputs that differ.
    size_t differing() {
        std::map<std::string, std::vector<float>> reals;
        for (const auto& given : network_.inputs)
            reals[given.value] = as_value(given.tensor, random_codes(given.tensor));
        return differing(reals);
    }
    /// The same for these inputs, [1, C, ...].
    size_t differing(const std::map<std::string, std::vector<float>>& inputs) {
        graph::Graph model;
        std::map<std::string, Tensor> reals;
        std::vector<std::vector<int8_t>> codes;
        for (const auto& given : network_.inputs) {
            model.inputs.push_back(model.add_value(given.value, DataType::float32, given.dims));
            reals[given.value] = Tensor::of<float>(given.dims, inputs.at(given.value));
            codes.push_back(as_codes(given.tensor, inputs.at(given.value)));
        }
        graph::Node node;
        node.op = "Layer";
        node.inputs = model.inputs;
        node.outputs = {model.add_value(network_.outputs[0].value, DataType::float32, network_.outputs[0].dims)};
        model.outputs = node.outputs;
        model.add_node(node);
        const graph::Graph view = make_view(model, {NpuPart{&network_, nullptr}});
        view.validate();
        static const ort::Library library = ort::Library::load();
        const auto shown = ort::Session(library, onnx::write(view), {.threads = 1, .optimize = false}).run(reals);
        const auto expected = as_value(network_.outputs[0].tensor, emulated(codes));
        const auto found = shown.at(network_.outputs[0].value).values<float>();
        EXPECT_EQ(found.size(), expected.size());
        size_t count = 0;
        for (size_t i = 0; i < expected.size(); ++i) count += found[i] != expected[i];
        return count;
    }

  private:
    const npu::CodeTensor& of(npu::TensorId id) const { return network_.tensors.at(static_cast<size_t>(id)); }
    npu::Placement placement(npu::TensorId id) const {
        const Dims& shape = of(id).shape;  // channels last; the graph value has them first
        npu::Placement placed{id, of(id).value, {1, shape.back()}, {shape.back()}, {}};
        for (size_t i = 0; i + 1 < shape.size(); ++i) {
            placed.dims.push_back(shape[i]);
            placed.split.push_back(shape[i]);
            placed.axes.push_back(static_cast<int64_t>(i) + 1);
        }
        placed.axes.push_back(0);
        return placed;
    }
    std::vector<int8_t> random_codes(npu::TensorId id) {
        std::vector<int8_t> codes(static_cast<size_t>(element_count(of(id).shape)));
        for (int8_t& code : codes) code = static_cast<int8_t>(static_cast<int32_t>(random_() % 256) - 128);
        return codes;
    }
    /// Codes in memory order as the reals of the graph value [1, C, ...].
    std::vector<float> as_value(npu::TensorId id, const std::vector<int8_t>& codes) const {
        const int64_t channels = of(id).shape.back(), pixels = static_cast<int64_t>(codes.size()) / channels;
        std::vector<float> reals(codes.size());
        for (int64_t p = 0; p < pixels; ++p)
            for (int64_t c = 0; c < channels; ++c)
                reals[static_cast<size_t>(c * pixels + p)] =
                    static_cast<float>(codes[static_cast<size_t>(p * channels + c)] - scales(id).zero_point_of(c)) *
                    scales(id).scale_of(c);
        return reals;
    }
    /// The runtime's conversion, design.md, Boundary: RNE(x * float32(1 / scale)) + zero point.
    std::vector<int8_t> as_codes(npu::TensorId id, const std::vector<float>& reals) const {
        const int64_t channels = of(id).shape.back(), pixels = static_cast<int64_t>(reals.size()) / channels;
        std::vector<int8_t> codes(reals.size());
        for (int64_t p = 0; p < pixels; ++p)
            for (int64_t c = 0; c < channels; ++c) {
                const float scaled = reals[static_cast<size_t>(c * pixels + p)] * (1 / scales(id).scale_of(c));
                codes[static_cast<size_t>(p * channels + c)] = static_cast<int8_t>(std::clamp(
                    std::nearbyint(scaled) + static_cast<float>(scales(id).zero_point_of(c)), -128.0F, 127.0F));
            }
        return codes;
    }
    std::vector<int8_t> emulated(const std::vector<std::vector<int8_t>>& inputs) const {
        const emulate::Executor executor(network_, plan::plan(network_, npu::find_config(npu::kDefaultConfig)),
                                         emulate::KernelSet::reference);
        std::vector<int8_t> output(static_cast<size_t>(executor.elements(network_.outputs[0].tensor)));
        const std::vector<std::span<const int8_t>> in(inputs.begin(), inputs.end());
        const std::vector<std::span<int8_t>> out{output};
        emulate::Arena arena;
        executor.run(in, out, arena);
        return output;
    }

    npu::Network network_;
    std::mt19937 random_;
};

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

}  // namespace
}  // namespace calotype::view
