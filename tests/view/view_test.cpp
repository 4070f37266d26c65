#include "view/view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace calotype::view {
namespace {

using npu::TensorId;
using testing::ElementsAre;

/// A 1x1 convolution with ReLU over a [H, W, C] map of two scales, read by nothing but the output.
npu::Network small_network() {
    npu::Network network;
    network.tensors = {{"x", {4, 5, 2}, {{0.5F, 0.25F}, {3, -7}}}, {"y", {4, 5, 3}, {{0.1F}, {-128}}}};
    npu::Layer conv;
    conv.name = "conv1";
    conv.attributes = npu::Conv{2, 3, 1, {}};
    conv.inputs = {TensorId{0}};
    conv.output = TensorId{1};
    conv.activation = {npu::ActivationKind::clamp, 0, std::numeric_limits<float>::infinity()};
    conv.weights = {1, 2, 3, 4, 5, 6};
    conv.bias = {10, 20, 30};
    conv.weight_scale = {0.5F, 1, 2};
    conv.stage = npu::Requantization{{2.5F, 5, 10}, {-128}, {-128}, {127}};
    network.layers = {conv};
    network.inputs = {{TensorId{0}, "x", {1, 2, 4, 5}, {2, 4, 5}, {1, 2, 0}}};
    network.outputs = {{TensorId{1}, "y", {1, 3, 4, 5}, {3, 4, 5}, {1, 2, 0}}};
    return network;
}

graph::Graph model_of_small_network() {
    graph::Graph model;
    model.inputs = {model.add_value("x", DataType::float32, Dims{-1, 2, 4, 5})};
    graph::Node node;
    node.op = "Conv";
    node.inputs = model.inputs;
    node.outputs = {model.add_value("y", DataType::float32, Dims{-1, 3, 4, 5})};
    model.add_node(node);
    model.outputs = node.outputs;
    return model;
}

const graph::Node& only(const graph::Graph& view, const std::string& op, size_t which = 0) {
    for (const graph::NodeId id : view.nodes())
        if (view.node(id).op == op && which-- == 0) return view.node(id);
    throw std::runtime_error("no node " + op);
}

std::vector<std::string> ops(const graph::Graph& view) {
    std::vector<std::string> all;
    for (const graph::NodeId id : view.nodes()) all.push_back(view.node(id).op);
    return all;
}

TEST(View, ShowsALayerBetweenQuantizations) {
    const npu::Network network = small_network();
    const graph::Graph view = make_view(model_of_small_network(), {NpuPart{&network, nullptr}});
    view.validate();
    // values that keep the map's axes need no Transpose
    EXPECT_THAT(ops(view), ElementsAre("Quantize", "QuantizeLinear", "DequantizeLinear", "DequantizeLinear", "Mul",
                                       "Conv", "Requantize", "Relu", "QuantizeLinear", "DequantizeLinear", "Identity"));
    EXPECT_EQ(only(view, "Conv").name, "NPU_0/conv1");
    EXPECT_EQ(view.value(view.outputs[0]).name, "y");
    EXPECT_EQ(view.metadata.at("NPU_0/conv1"), "Conv, INT8");
    EXPECT_TRUE(view.find_value(view.metadata.at("NPU_0/codes/1")));
}

TEST(View, UndoesWhatTheWeightsAbsorbed) {
    const npu::Network network = small_network();
    const graph::Graph view = make_view(model_of_small_network(), {NpuPart{&network, nullptr}});
    const Tensor& factors = *view.value(only(view, "Mul").inputs[1]).constant;
    EXPECT_THAT(factors.values<float>(), ElementsAre(1, 2));  // 0.5 / 0.5, 0.5 / 0.25
    const Tensor& bias = *view.value(only(view, "Conv").inputs[2]).constant;
    EXPECT_THAT(bias.values<float>(), ElementsAre(10 * 0.5F * 0.5F, 20 * 0.5F * 1, 30 * 0.5F * 2));
    EXPECT_EQ(graph::int_attribute(only(view, "QuantizeLinear"), "axis", -9), 1);
}

TEST(View, RoundsASumByAFunction) {
    const npu::Network network = small_network();
    const graph::Graph view = make_view(model_of_small_network(), {NpuPart{&network, nullptr}});
    const graph::Node& requantize = only(view, "Requantize");
    EXPECT_EQ(requantize.domain, "calotype");
    const auto constant = [&](size_t i) { return *view.value(requantize.inputs[i]).constant; };
    EXPECT_THAT(constant(1).values<float>(), ElementsAre(0.25F, 0.5F, 1));  // largest input scale * weight scale
    EXPECT_EQ(constant(1).dims(), (Dims{3, 1, 1}));
    EXPECT_THAT(constant(2).values<float>(), ElementsAre(2.5F, 5, 10));
    EXPECT_THAT(constant(3).values<float>(), ElementsAre(0.1F));
    ASSERT_EQ(view.functions.size(), 2U);
    EXPECT_EQ(view.functions[1].body.name, "Requantize");
    EXPECT_EQ(view.other_opsets.at("calotype"), 1);
}

TEST(View, KeepsTheFunctionsThatACpuPartCalls) {
    graph::Graph model = model_of_small_network();
    model.local_functions = "functions";
    model.other_opsets["theirs"] = 3;
    const graph::Graph view = make_view(model, {CpuPart{&model}});
    EXPECT_EQ(view.local_functions, "functions");
    EXPECT_EQ(view.other_opsets.at("theirs"), 3);
}

TEST(View, EndsAtItsDeadline) {
    const graph::Graph model = model_of_small_network();
    const npu::Network network = small_network();
    Limits limits;
    limits.run_seconds = 0;
    const Deadline over(limits, "`model.onnx`", "showing it");
    EXPECT_THROW(make_view(model, {NpuPart{&network, nullptr}}, over), Error);
    EXPECT_THROW(make_view(model, {CpuPart{&model}}, over), Error);
}

TEST(View, AnInputAndALayerOfOneNameKeepTheirScales) {
    npu::Network network = small_network();
    network.layers[0].name = "x";
    const graph::Graph view = make_view(model_of_small_network(), {NpuPart{&network, nullptr}});
    const auto scales = [&](size_t which) {
        return view.value(only(view, "QuantizeLinear", which).inputs[1]).constant->values<float>();
    };
    EXPECT_THAT(scales(0), ElementsAre(0.5F, 0.25F));
    EXPECT_THAT(scales(1), ElementsAre(0.1F));
}

TEST(View, MovesCodesWhereTheOutputHasOtherAxes) {
    npu::Network network = small_network();
    network.outputs[0] = {TensorId{1}, "y", {1, 60}, {4, 5, 3}, {0, 1, 2}};  // [H, W, C] in one axis
    graph::Graph model = model_of_small_network();
    model.value(model.outputs[0]).dims = Dims{-1, 60};
    const graph::Graph view = make_view(model, {NpuPart{&network, nullptr}});
    EXPECT_THAT(ops(view), ElementsAre("Quantize", "QuantizeLinear", "DequantizeLinear", "DequantizeLinear", "Mul",
                                       "Conv", "Requantize", "Relu", "QuantizeLinear", "Transpose", "Reshape",
                                       "Reshape", "DequantizeLinear", "Identity"));
}

TEST(View, TurnsWeightsToOnnxOrder) {
    npu::Network network = small_network();
    auto& conv = std::get<npu::Conv>(network.layers[0].attributes);
    conv.window.width.kernel = 2;  // weights [3, 1, 1, 2, 2]: taps before channels
    network.layers[0].weights = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    network.tensors[1].shape = {4, 4, 3};
    const graph::Graph view = make_view(model_of_small_network(), {NpuPart{&network, nullptr}});
    const Tensor& codes = *view.value(only(view, "DequantizeLinear", 1).inputs[0]).constant;
    EXPECT_EQ(codes.dims(), (Dims{3, 2, 1, 2}));
    EXPECT_THAT(codes.values<int8_t>(), ElementsAre(1, 3, 2, 4, 5, 7, 6, 8, 9, 11, 10, 12));
}

}  // namespace
}  // namespace calotype::view
