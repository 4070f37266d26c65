// Each operator whose form or meaning changed: the model of the old opset and its upgrade give the same bits.

#include <gtest/gtest.h>

#include "onnx/read.hpp"
#include "onnx/write.hpp"
#include "ort/session.hpp"

namespace calotype::onnx {
namespace {

using graph::Attribute;
using graph::Graph;
using graph::Node;
using graph::ValueId;
using Ints = std::vector<int64_t>;
using Floats = std::vector<float>;

struct Case {
    std::string what;
    int64_t opset;
    std::string op;
    Dims dims;  ///< of x, float32
    std::map<std::string, Attribute> attributes;
    std::vector<Tensor> constants = {};  ///< inputs behind x
    size_t outputs = 1;
    bool stated_shape = true;  ///< x goes through a Reshape whose result has no known rank otherwise
};

Tensor floats(Dims dims, Floats values) { return Tensor::of<float>(std::move(dims), std::span<const float>(values)); }
Tensor int64s(Ints values) {
    return Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, std::span<const int64_t>(values));
}

Graph graph_of(const Case& one) {
    Graph graph;
    graph.name = "old";
    graph.opset = one.opset;
    ValueId x = graph.add_value("x", DataType::float32, one.dims);
    graph.inputs = {x};
    if (!one.stated_shape) {
        Node reshape;
        reshape.name = "reshape";
        reshape.op = "Reshape";
        reshape.inputs = {x, graph.add_constant("same", int64s(one.dims))};
        reshape.outputs = {graph.add_value("unstated")};
        x = reshape.outputs[0];
        graph.add_node(std::move(reshape));
    }
    Node node;
    node.name = "node";
    node.op = one.op;
    node.attributes = one.attributes;
    node.inputs = {x};
    for (const Tensor& constant : one.constants) {
        node.inputs.push_back(graph.add_constant(graph.unused_value_name("c"), constant));
    }
    for (size_t i = 0; i < one.outputs; ++i) {
        node.outputs.push_back(graph.add_value("y" + std::to_string(i)));
    }
    graph.outputs = node.outputs;
    graph.add_node(std::move(node));
    return graph;
}

std::vector<Case> cases() {
    const Floats two = {1, 2}, half = {0.5F, 4};
    return {
        {"SoftmaxLastAxis", 11, "Softmax", {2, 3}, {}},
        {"SoftmaxFlattens", 11, "Softmax", {2, 3, 4}, {{"axis", int64_t{1}}}},
        {"SoftmaxAxis0", 8, "Softmax", {2, 3, 4}, {{"axis", int64_t{0}}}},
        {"SoftmaxNegativeAxis", 11, "Softmax", {2, 3, 4}, {{"axis", int64_t{-2}}}},
        {"SoftmaxUnknownRank", 11, "Softmax", {2, 3, 4}, {{"axis", int64_t{1}}}, {}, 1, false},
        {"LogSoftmax", 11, "LogSoftmax", {2, 3, 4}, {{"axis", int64_t{1}}}},
        {"Hardmax", 11, "Hardmax", {2, 3, 4}, {{"axis", int64_t{1}}}},
        {"Slice", 9, "Slice", {3, 4}, {{"axes", Ints{1}}, {"starts", Ints{1}}, {"ends", Ints{INT64_MAX}}}},
        {"SliceWithoutAxes", 9, "Slice", {3, 4}, {{"starts", Ints{1, 0}}, {"ends", Ints{3, -1}}}},
        {"Pad", 10, "Pad", {2, 3}, {{"pads", Ints{0, 1, 1, 0}}, {"value", 7.0F}}},
        {"PadReflect", 10, "Pad", {2, 3}, {{"pads", Ints{0, 1, 0, 1}}, {"mode", std::string("reflect")}}},
        {"Clip", 10, "Clip", {2, 3}, {{"min", -0.25F}, {"max", 0.5F}}},
        {"ClipMaxOnly", 8, "Clip", {2, 3}, {{"max", 0.5F}}},
        {"Upsample8", 8, "Upsample", {1, 1, 2, 3}, {{"scales", Floats{1, 1, 2, 3}}, {"mode", std::string("nearest")}}},
        {"Upsample9", 9, "Upsample", {1, 1, 2, 3}, {}, {floats({4}, {1, 1, 2, 2})}},
        {"UpsampleLinear", 9, "Upsample", {1, 1, 2, 3}, {{"mode", std::string("linear")}}, {floats({4}, {1, 1, 2, 2})}},
        {"Resize", 10, "Resize", {1, 1, 2, 3}, {{"mode", std::string("linear")}}, {floats({4}, {1, 1, 2, 2})}},
        {"TopK8", 8, "TopK", {2, 5}, {{"k", int64_t{2}}}, {}, 2},
        {"Split", 11, "Split", {2, 6}, {{"axis", int64_t{1}}, {"split", Ints{2, 4}}}, {}, 2},
        {"SplitEqual", 11, "Split", {2, 6}, {{"axis", int64_t{1}}}, {}, 3},
        {"SplitEqual13", 13, "Split", {2, 6}, {{"axis", int64_t{1}}}, {}, 2},
        {"Squeeze", 11, "Squeeze", {2, 1, 3, 1}, {{"axes", Ints{1, 3}}}},
        {"SqueezeAll", 11, "Squeeze", {2, 1, 3, 1}, {}},
        {"Unsqueeze", 11, "Unsqueeze", {2, 3}, {{"axes", Ints{0, 3}}}},
        {"ReduceSum", 11, "ReduceSum", {2, 3, 4}, {{"axes", Ints{1}}, {"keepdims", int64_t{0}}}},
        {"ReduceMean", 17, "ReduceMean", {2, 3, 4}, {{"axes", Ints{1, 2}}}},
        {"ReduceMeanAll", 11, "ReduceMean", {2, 3, 4}, {{"keepdims", int64_t{0}}}},
        {"ReduceMax", 12, "ReduceMax", {2, 3, 4}, {{"axes", Ints{2}}}},
        {"ReduceL2", 12, "ReduceL2", {2, 3, 4}, {{"axes", Ints{0}}}},
        {"Dropout", 10, "Dropout", {2, 3}, {{"ratio", 0.5F}}},
        {"BatchNormalization",
         8,
         "BatchNormalization",
         {1, 2, 2, 2},
         {{"spatial", int64_t{1}}},
         {floats({2}, two), floats({2}, half), floats({2}, two), floats({2}, half)}},
        {"Gemm", 10, "Gemm", {2, 2}, {}, {floats({2, 1}, two), floats({1}, {3})}},
        {"Flatten", 10, "Flatten", {2, 3, 2}, {{"axis", int64_t{2}}}},
    };
}

struct Upgrade : testing::TestWithParam<Case> {};

TEST_P(Upgrade, GivesTheSameBits) {
    const auto library = ort::Library::load();
    const std::string old_bytes = write(graph_of(GetParam()));
    const Graph upgraded = parse(std::as_bytes(std::span(old_bytes)), "old.onnx", ".");
    EXPECT_EQ(upgraded.opset, 21);
    upgraded.validate();
    Tensor x(DataType::float32, GetParam().dims);
    for (int64_t i = 0; i < x.elements(); ++i) {
        x.values<float>()[static_cast<size_t>(i)] = static_cast<float>((i * 7) % 11) / 8 - 0.5F;
    }
    const ort::Session before(library, old_bytes, {.threads = 1, .optimize = false});
    const ort::Session after(library, write(upgraded), {.threads = 1, .optimize = false});
    EXPECT_EQ(before.run({{"x", x}}), after.run({{"x", x}}));
}

INSTANTIATE_TEST_SUITE_P(Operators, Upgrade, testing::ValuesIn(cases()),
                         [](const auto& one) { return one.param.what; });

TEST(UpgradeOf, ALaterOpsetIsKept) {
    Case one{"Relu", 22, "Relu", {2, 3}, {}};
    const std::string bytes = write(graph_of(one));
    EXPECT_EQ(parse(std::as_bytes(std::span(bytes)), "new.onnx", ".").opset, 22);
}

TEST(UpgradeOf, TrainingBatchNormalizationIsRefused) {
    const Floats two = {1, 2};
    Case one{"Training",
             9,
             "BatchNormalization",
             {1, 2, 2, 2},
             {},
             {floats({2}, two), floats({2}, two), floats({2}, two), floats({2}, two)},
             5};
    const std::string bytes = write(graph_of(one));
    EXPECT_THROW(parse(std::as_bytes(std::span(bytes)), "old.onnx", "."), Error);
}

}  // namespace
}  // namespace calotype::onnx
