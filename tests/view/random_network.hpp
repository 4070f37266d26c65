#pragma once

// One random layer, run by the view in ONNX Runtime and by the emulator. Its constants come from the scales as the
// compiler makes them.

#include <gtest/gtest.h>

#include <random>

#include "emulate/executor.hpp"
#include "npu/arithmetic.hpp"
#include "npu/config.hpp"
#include "onnx/write.hpp"
#include "ort/session.hpp"
#include "plan/plan.hpp"
#include "view/view.hpp"

namespace calotype::view {

inline constexpr int64_t kHeight = 12, kWidth = 11;

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
    /// A map among the weights.
    npu::TensorId constant(int64_t channels, bool per_channel) {
        const npu::TensorId id = tensor({kHeight, kWidth, channels}, quantization(channels, per_channel));
        network_.tensors[npu::index_of(id)].constant = random_codes(id);
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
    void set_scales(npu::TensorId id, npu::Quantization q) {
        network_.tensors.at(static_cast<size_t>(id)).quantization = std::move(q);
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
    /// The runtime's conversion, docs/arithmetic.md, Boundary: RNE(x * float32(1 / scale)) + zero point.
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

}  // namespace calotype::view
