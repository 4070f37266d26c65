#pragma once

// A small model by hand: Conv 3 -> 20 with ReLU, a max pool, and a 1x1 Conv with one scale a channel.

#include <limits>

#include "execute/model.hpp"
#include "snapshot/snapshot.hpp"

namespace calotype::tests {

inline npu::CodeTensor code_tensor(std::string value, Dims shape, std::vector<float> scale,
                                   std::vector<int32_t> zero_point) {
    return {std::move(value), std::move(shape), {std::move(scale), std::move(zero_point)}, npu::Precision::int8};
}

inline npu::Layer conv_layer(std::string name, int64_t in, int64_t out, int64_t kernel, npu::TensorId from,
                             npu::TensorId to) {
    npu::Layer layer;
    layer.name = name;
    layer.sources = {name, name + "_relu"};
    const npu::Axis axis{kernel, 1, 1, kernel / 2, kernel / 2};
    layer.attributes = npu::Conv{in, out, 1, {{}, axis, axis}};
    layer.inputs = {from};
    layer.output = to;
    layer.activation = {npu::ActivationKind::clamp, 0.0F, std::numeric_limits<float>::infinity(), 0, 0};
    layer.sum_value = name + "_sum";
    uint32_t seed = 7;
    for (int64_t i = 0; i < out * kernel * kernel * in; ++i) {
        seed = seed * 1664525U + 1013904223U;
        layer.weights.push_back(static_cast<int8_t>(
            static_cast<int32_t>(seed >> 24) - 128 == -128 ? 5 : static_cast<int32_t>(seed >> 24) - 128));
    }
    npu::Requantization stage;
    for (int64_t c = 0; c < out; ++c) {
        layer.bias.push_back(static_cast<int32_t>(c) * 100 - 700);
        layer.weight_scale.push_back(0.01F + 0.001F * static_cast<float>(c));
        stage.m.push_back(0.003F + 0.0001F * static_cast<float>(c));
    }
    stage.zero_point = {-128};
    stage.lo = {-128};
    stage.hi = {127};
    layer.stage = stage;
    return layer;
}

/// Places every tensor behind the one before.
inline npu::Program simple_program(const npu::Network& network) {
    npu::Program program;
    for (const npu::CodeTensor& tensor : network.tensors) {
        program.shapes.push_back(tensor.shape);
        program.placement.push_back({program.arena_bytes, element_count(tensor.shape)});
        program.arena_bytes += (element_count(tensor.shape) + 63) / 64 * 64;
    }
    for (size_t i = 0; i < network.layers.size(); ++i)
        program.steps.push_back({static_cast<int32_t>(i), 10, 20, 30, true});
    program.lower_bound_bytes = program.arena_bytes;
    program.cycles = 60;
    program.macs = 20;
    return program;
}

inline execute::Model example_model() {
    std::vector<float> scales(20);
    for (size_t c = 0; c < scales.size(); ++c) scales[c] = 0.02F + 0.001F * static_cast<float>(c);
    npu::Network network;
    network.tensors = {code_tensor("image", {6, 6, 3}, {0.0123F}, {3}),
                       code_tensor("a", {6, 6, 20}, scales, std::vector<int32_t>(20, -128)),
                       code_tensor("b", {3, 3, 20}, scales, std::vector<int32_t>(20, -128)),
                       code_tensor("y", {3, 3, 4}, {0.05F}, {-128})};
    network.layers.push_back(conv_layer("first", 3, 20, 3, npu::TensorId{0}, npu::TensorId{1}));
    npu::Layer pool;
    pool.name = "pool";
    pool.sources = {"pool"};
    const npu::Axis two{2, 2, 1, 0, 0};
    pool.attributes = npu::Pool{npu::PoolKind::max, false, {{}, two, two}};
    pool.inputs = {npu::TensorId{1}};
    pool.output = npu::TensorId{2};
    network.layers.push_back(pool);
    network.layers.push_back(conv_layer("last", 20, 4, 1, npu::TensorId{2}, npu::TensorId{3}));
    network.inputs = {{npu::TensorId{0}, "image", {1, 3, 6, 6}, {3, 6, 6}, {1, 2, 0}}};
    network.outputs = {{npu::TensorId{3}, "y", {1, 4, 3, 3}, {4, 3, 3}, {1, 2, 0}}};
    execute::Model model;
    model.inputs = {{"image", DataType::float32, {-1, 3, 6, 6}, Boundary::quantized, {{0.0123F}, {3}}, {1, 3, 6, 6}}};
    model.outputs = {{"y", DataType::float32, {-1, 4, 3, 3}, Boundary::quantized, {{0.05F}, {-128}}, {1, 4, 3, 3}}};
    npu::Program program = simple_program(network);
    model.subgraphs.push_back(execute::NpuSubgraph{std::move(network), std::move(program)});
    return model;
}

inline Tensor example_input(int64_t samples = 1) {
    Tensor image(DataType::float32, {samples, 3, 6, 6});
    uint32_t seed = 3;
    for (float& x : image.values<float>()) {
        seed = seed * 1664525U + 1013904223U;
        x = static_cast<float>(seed >> 8) * (3.0F / 16777216.0F) - 1.5F;
    }
    return image;
}

inline snapshot::Contents example_contents() {
    snapshot::Contents contents;
    contents.tool_version = "0.1.0";
    contents.npu = {"TEST_NPU", std::string(64, 'a')};
    contents.model_sha256 = std::string(64, '1');
    contents.samples_sha256 = std::string(64, '2');
    contents.options_sha256 = std::string(64, '3');
    contents.preprocessing = {{"mean", "0.5"}};
    contents.model = example_model();
    snapshot::Golden golden;
    golden.inputs.emplace("image", example_input());
    golden.subgraphs.resize(1);
    golden.subgraphs[0].outputs.emplace("y", Tensor(DataType::int8, {1, 36}));
    golden.subgraphs[0].layer_sha256 = {std::string(64, '4'), std::string(64, '5'), std::string(64, '6')};
    contents.golden = golden;
    contents.report_json = "{\n \"layers\": []\n}";
    contents.iriz_onnx = "not parsed here";
    return contents;
}

}  // namespace calotype::tests
