// Every change of meaning between opsets 8 and 21: ONNX Runtime gives the same bits for a node of the old opset and for
// what `upgrade` makes of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

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
using Attributes = std::map<std::string, Attribute>;

Tensor random_tensor(Dims dims, uint32_t seed) {
    std::mt19937 random(seed);
    Tensor tensor(DataType::float32, std::move(dims));
    for (float& x : tensor.values<float>()) x = static_cast<float>(random() % 4001) / 1000.0F - 2.0F;
    return tensor;
}
Tensor ints(const Ints& values) {
    return Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, std::span(values));
}
Tensor floats(const Floats& values) {
    return Tensor::of<float>({static_cast<int64_t>(values.size())}, std::span(values));
}

/// One node of an old opset: its input 0 is the graph's `x`, the further ones constants.
struct Case {
    std::string name;
    int64_t opset = 0;
    std::string op;
    Dims dims;
    Attributes attributes{};
    std::vector<Tensor> constants{};
    size_t outputs = 1;
    std::string must_become{};  ///< the operator after, where it is another
    bool rank_known = true;
    float tolerance = 0;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

/// The node between two of a kind, so that its input and outputs are neither the graph's inputs nor outputs.
Graph graph_of(const Case& c) {
    Graph graph;
    graph.name = "case";
    graph.opset = c.opset;
    const ValueId x = graph.add_value("x", DataType::float32, c.dims);
    graph.inputs = {x};
    const ValueId inner = graph.add_value("inner");
    // Mul hides the rank from those that look at the producer.
    const ValueId one = graph.add_constant("one", floats({1}));
    Node before;
    before.op = c.rank_known ? "Identity" : "Mul";
    before.inputs = {x};
    if (!c.rank_known) before.inputs.push_back(one);
    before.outputs = {inner};
    graph.add_node(before);
    Node node;
    node.name = "it";
    node.op = c.op;
    node.attributes = c.attributes;
    node.inputs = {inner};
    for (size_t i = 0; i < c.constants.size(); ++i) {
        node.inputs.push_back(graph.add_constant("c" + std::to_string(i), c.constants[i]));
    }
    for (size_t i = 0; i < c.outputs; ++i) node.outputs.push_back(graph.add_value("y" + std::to_string(i)));
    const std::vector<ValueId> made = node.outputs;
    graph.add_node(node);
    for (size_t i = 0; i < made.size(); ++i) {
        Node after;
        after.op = "Identity";
        after.inputs = {made[i]};
        after.outputs = {graph.add_value("out" + std::to_string(i), DataType::float32)};
        if (c.op == "TopK" && i == 1) graph.value(after.outputs[0]).type = DataType::int64;
        graph.outputs.push_back(after.outputs[0]);
        graph.add_node(after);
    }
    return graph;
}

std::map<std::string, Tensor> run(const Graph& graph, const Tensor& x) {
    static const ort::Library library = ort::Library::load();
    return ort::Session(library, write(graph), {.threads = 1, .optimize = false}).run({{"x", x}});
}

struct Upgrade : testing::TestWithParam<Case> {};

TEST_P(Upgrade, KeepsEveryBit) {
    const Case& c = GetParam();
    const Graph old = graph_of(c);
    const Tensor x = random_tensor(c.dims, 5);
    const auto expected = run(old, x);
    const std::string bytes = write(old);
    const Graph graph = parse(std::as_bytes(std::span(bytes)), "old.onnx", ".");
    EXPECT_EQ(graph.opset, 21);
    graph.validate();
    const auto got = run(graph, x);
    for (const auto& [name, tensor] : expected) {
        if (c.tolerance == 0) {
            EXPECT_TRUE(tensor == got.at(name)) << name << "\n" << to_text(graph);
        } else {
            ASSERT_EQ(tensor.dims(), got.at(name).dims());
            const auto bound = testing::Pointwise(testing::FloatNear(c.tolerance), to_floats(tensor));
            EXPECT_THAT(to_floats(got.at(name)), bound) << to_text(graph);
        }
    }
    if (c.must_become.empty()) return;
    const auto made = graph.nodes();
    EXPECT_TRUE(std::any_of(made.begin(), made.end(), [&](auto id) { return graph.node(id).op == c.must_become; }));
}

const Dims k4d = {2, 4, 6, 5};
constexpr float kOneUlp = 2.5e-7F;  // of 2: ONNX Runtime has another AveragePool since 19, which sums in another order

std::vector<Case> cases() {
    std::vector<Case> all = {
        {"Clip6", 10, "Clip", k4d, {{"min", -0.5F}, {"max", 1.0F}}},
        {"Clip6OnlyMax", 8, "Clip", k4d, {{"max", 0.25F}}},
        {"Clip6Open", 8, "Clip", k4d},
        {"Pad2Constant", 8, "Pad", k4d, {{"pads", Ints{0, 0, 1, 2, 0, 1, 0, 3}}, {"value", 1.5F}}},
        {"Pad2Zero", 10, "Pad", k4d, {{"pads", Ints{0, 0, 1, 2, 0, 1, 0, 3}}}},
        {"Pad2Cropping", 10, "Pad", k4d, {{"pads", Ints{0, 0, -1, 2, 0, 0, 0, -1}}}},
        {"Pad2Reflect", 10, "Pad", k4d, {{"mode", std::string("reflect")}, {"pads", Ints{0, 0, 1, 2, 0, 0, 1, 1}}}},
        {"Slice1", 9, "Slice", k4d, {{"starts", Ints{1, -3}}, {"ends", Ints{100, -1}}, {"axes", Ints{2, 3}}}},
        {"Slice1NoAxes", 8, "Slice", k4d, {{"starts", Ints{0, 1}}, {"ends", Ints{1, 3}}}},
        {"Slice1ToTheEnd", 9, "Slice", k4d, {{"starts", Ints{1}}, {"ends", Ints{INT64_MAX}}, {"axes", Ints{1}}}},
        {"Gemm7", 10, "Gemm", {2, 2}, {}, {random_tensor({2, 3}, 8), floats({3})}},
        {"TopK1", 9, "TopK", {3, 7}, {{"k", int64_t{3}}, {"axis", int64_t{1}}}, {}, 2},
        {"Squeeze11", 12, "Squeeze", {1, 4, 1, 5}, {{"axes", Ints{0, -2}}}},
        {"SqueezeAll", 8, "Squeeze", {1, 4, 1, 5}},
        {"Unsqueeze1", 8, "Unsqueeze", {4, 5}, {{"axes", Ints{0, 3}}}},
        {"ReduceSum11", 12, "ReduceSum", k4d, {{"axes", Ints{2, -1}}, {"keepdims", int64_t{0}}}},
        {"ReduceSumAll", 8, "ReduceSum", k4d},
        {"Split2", 8, "Split", k4d, {{"axis", int64_t{1}}, {"split", Ints{1, 3}}}, {}, 2},
        {"Split2Equal", 12, "Split", k4d, {{"axis", int64_t{1}}}, {}, 2},
        {"Split13Equal", 13, "Split", k4d, {{"axis", int64_t{2}}}, {}, 3},
        {"Split13", 17, "Split", k4d, {{"axis", int64_t{2}}}, {ints({1, 2, 3})}, 3},
        {"Dropout7", 8, "Dropout", k4d, {{"ratio", 0.3F}}},
        {"Dropout10", 10, "Dropout", k4d, {{"ratio", 0.3F}}},
        {"BatchNormalization7",
         8,
         "BatchNormalization",
         k4d,
         {{"spatial", int64_t{1}}, {"momentum", 0.5F}},
         {floats({1, 2, 3, 4}), floats({0, 1, 0, 1}), floats({0.5F, 0, 1, 2}), floats({1, 2, 3, 4})}},
        {"BatchNormalization9",
         13,
         "BatchNormalization",
         k4d,
         {{"epsilon", 0.25F}},
         {floats({1, 2, 3, 4}), floats({0, 1, 0, 1}), floats({0.5F, 0, 1, 2}), floats({1, 2, 3, 4})}},
        {"Upsample7Nearest", 8, "Upsample", k4d, {{"scales", Floats{1, 1, 2, 3}}}, {}, 1, "Resize"},
        {"Upsample7Linear",
         8,
         "Upsample",
         k4d,
         {{"mode", std::string("linear")}, {"scales", Floats{1, 1, 2, 2}}},
         {},
         1,
         "Resize"},
        {"Upsample9Nearest", 9, "Upsample", k4d, {}, {floats({1, 1, 2.5F, 1.5F})}, 1, "Resize"},
        {"Upsample9Linear", 9, "Upsample", k4d, {{"mode", std::string("linear")}}, {floats({1, 1, 3, 2})}, 1, "Resize"},
        {"Resize10Up", 10, "Resize", k4d, {}, {floats({1, 1, 2, 1.5F})}},
        {"Resize10Down", 10, "Resize", k4d, {}, {floats({1, 1, 0.5F, 0.7F})}},
        {"Resize10DownLinear", 10, "Resize", k4d, {{"mode", std::string("linear")}}, {floats({1, 1, 0.5F, 0.7F})}},
        {"Resize11", 11, "Resize", k4d, {{"mode", std::string("cubic")}}, {floats({}), floats({1, 1, 2, 2})}},
        {"Resize11Sizes",
         12,
         "Resize",
         k4d,
         {{"coordinate_transformation_mode", std::string("align_corners")}},
         {floats({}), floats({}), ints({2, 4, 9, 4})}},
        {"RoiAlign10",
         10,
         "RoiAlign",
         {2, 4, 8, 8},
         {{"output_height", int64_t{3}}, {"output_width", int64_t{2}}, {"sampling_ratio", int64_t{2}}},
         {Tensor::of<float>({2, 4}, std::span<const float>(std::vector<float>{0, 1, 5, 6, 2, 2, 7, 4})), ints({0, 1})}},
        {"AveragePool7",
         8,
         "AveragePool",
         k4d,
         {{"kernel_shape", Ints{3, 2}}, {"pads", Ints{1, 0, 1, 1}}},
         {},
         1,
         {},
         true,
         kOneUlp},
        {"AveragePool10Ceil",
         10,
         "AveragePool",
         k4d,
         {{"kernel_shape", Ints{3, 2}}, {"strides", Ints{2, 2}}, {"ceil_mode", int64_t{1}}},
         {},
         1,
         {},
         true,
         kOneUlp},
        {"AveragePool11CeilPads",
         17,
         "AveragePool",
         k4d,
         {{"kernel_shape", Ints{3, 3}},
          {"strides", Ints{2, 2}},
          {"pads", Ints{1, 1, 1, 1}},
          {"ceil_mode", int64_t{1}},
          {"count_include_pad", int64_t{1}}}},
        {"MaxPool8", 8, "MaxPool", k4d, {{"kernel_shape", Ints{3, 2}}, {"pads", Ints{1, 0, 1, 1}}}},
        {"MaxPool10Ceil",
         10,
         "MaxPool",
         k4d,
         {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"ceil_mode", int64_t{1}}}},
        {"Flatten1", 8, "Flatten", k4d, {{"axis", int64_t{2}}}},
        {"DepthToSpace1", 10, "DepthToSpace", k4d, {{"blocksize", int64_t{2}}}},
        {"GroupNormalization18",
         18,
         "GroupNormalization",
         k4d,
         {{"num_groups", int64_t{2}}, {"epsilon", 0.25F}},
         {floats({1, 2}), floats({0, 0.5F})}},
        {"GridSample16",
         16,
         "GridSample",
         {1, 2, 4, 4},
         {{"mode", std::string("bilinear")}},
         {random_tensor({1, 3, 3, 2}, 9)}},
        {"Scatter9",
         10,
         "Scatter",
         {3, 3},
         {{"axis", int64_t{1}}},
         {Tensor::of<int64_t>({1, 2}, std::span<const int64_t>(Ints{2, 0})), random_tensor({1, 2}, 3)},
         1,
         "ScatterElements"},
    };
    for (const char* op : {"ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
                           "ReduceLogSumExp", "ReduceSumSquare"}) {
        all.push_back({std::string(op) + "Axes", 11, op, k4d, {{"axes", Ints{1, -1}}}});
        all.push_back({std::string(op) + "All", 17, op, k4d, {{"keepdims", int64_t{0}}}});
    }
    for (const char* op : {"Softmax", "LogSoftmax", "Hardmax"}) {
        for (const int64_t axis : {0, 1, 2, 3}) {
            const auto name = std::string(op) + "Axis" + std::to_string(axis);
            all.push_back({name, 12, op, k4d, {{"axis", axis}}});
            all.push_back({name + "UnknownRank", 12, op, k4d, {{"axis", axis}}, {}, 1, {}, false});
        }
        all.push_back({std::string(op) + "Default", 8, op, k4d});
        all.push_back({std::string(op) + "Last", 11, op, k4d, {{"axis", int64_t{-1}}}, {}, 1, {}, false});
        all.push_back({std::string(op) + "Negative", 11, op, k4d, {{"axis", int64_t{-2}}}});
        all.push_back({std::string(op) + "Of13", 13, op, k4d, {{"axis", int64_t{1}}}});
    }
    return all;
}

INSTANTIATE_TEST_SUITE_P(Opset, Upgrade, testing::ValuesIn(cases()), [](const auto& info) { return info.param.name; });

TEST(UpgradeKeeps, TheTypeOfAClipInFloat16) {
    Graph graph = graph_of({"", 8, "Clip", k4d, {{"min", -0.5F}}});
    Node cast;
    cast.op = "Cast";
    cast.attributes["to"] = int64_t{10};  // float16
    cast.inputs = {graph.inputs[0]};
    cast.outputs = {graph.add_value("half", DataType::float16)};
    const ValueId half = cast.outputs[0];
    const auto first = graph.nodes().front();
    graph.insert_node(cast, first);
    graph.set_input(first, 0, half);
    graph.value(graph.outputs[0]).type = DataType::float16;
    graph.value(graph.outputs[0]).dims.reset();
    upgrade(graph);
    graph.validate();
    const Tensor got = run(graph, random_tensor(k4d, 5)).at("out0");
    EXPECT_EQ(got.type(), DataType::float16);
    const auto values = to_floats(got);
    EXPECT_EQ(*std::min_element(values.begin(), values.end()), -0.5F);
}

/// Many changed nodes in one graph: the graph grows while it is walked.
TEST(UpgradeKeeps, EveryBitOfAChain) {
    Graph graph;
    graph.opset = 8;
    ValueId last = graph.add_value("x", DataType::float32, k4d);
    graph.inputs = {last};
    for (int i = 0; i < 40; ++i) {
        Node node;
        node.op = i % 2 == 0 ? "Softmax" : "Clip";
        if (i % 2 != 0) node.attributes["min"] = 0.001F * static_cast<float>(i);
        node.inputs = {last};
        last = graph.add_value("v" + std::to_string(i));
        node.outputs = {last};
        graph.add_node(node);
    }
    graph.value(last).type = DataType::float32;
    graph.outputs = {last};
    const Tensor x = random_tensor(k4d, 5);
    const auto expected = run(graph, x);
    upgrade(graph);
    graph.validate();
    EXPECT_TRUE(run(graph, x) == expected) << to_text(graph);
}

/// The body of a Scan: sum_out = sum + next * k, out = sum_out - held; `k` and, where it says so, other values are outer.
graph::OpaqueGraph scan_body() {
    Graph body;
    body.name = "body";
    const ValueId sum = body.add_value("sum", DataType::float32), next = body.add_value("next", DataType::float32);
    const ValueId held = body.add_value("held", DataType::float32), k = body.add_value("k");
    body.inputs = {sum, next, held};
    const auto add = [&](const char* op, ValueId a, ValueId b, const char* out) {
        Node node;
        node.op = op;
        node.inputs = {a, b};
        node.outputs = {body.add_value(out, DataType::float32)};
        const ValueId made = node.outputs[0];
        body.add_node(std::move(node));
        return made;
    };
    const ValueId sum_out = add("Add", sum, add("Mul", next, k, "scaled"), "sum_out");
    body.outputs = {sum_out, add("Sub", sum_out, held, "out")};
    return {write_graph(body), {"k"}, {"Add", "Mul", "Sub"}};
}

/// A Scan of opset 8 over two sequences x [2, 3, 4], once from the end, of a batch of two, and its initial sums [2, 4].
Graph scan_of_8(std::vector<int64_t> directions) {
    Graph graph;
    graph.opset = 8;
    const ValueId x = graph.add_value("x", DataType::float32, Dims{2, 3, 4});
    graph.inputs = {x};
    graph.add_constant("k", floats({2, 3, 5, 7}));
    Node node;
    node.name = "it";
    node.op = "Scan";
    node.inputs = {ValueId::none, graph.add_constant("initial", random_tensor({2, 4}, 3)), x,
                   graph.add_constant("held", random_tensor({2, 3, 4}, 4))};
    node.outputs = {graph.add_value("last", DataType::float32), graph.add_value("all", DataType::float32)};
    node.attributes = {{"num_scan_inputs", int64_t{2}}, {"body", scan_body()}};
    if (!directions.empty()) node.attributes["directions"] = std::move(directions);
    graph.outputs = node.outputs;
    graph.add_node(std::move(node));
    return graph;
}

TEST(UpgradeKeeps, EveryBitOfAScanOverABatch) {
    const Tensor x = random_tensor({2, 3, 4}, 5);
    for (const std::vector<int64_t>& directions : {std::vector<int64_t>{}, {0, 0}, {1, 0}, {0, 1}, {1, 1}}) {
        Graph graph = scan_of_8(directions);
        const auto expected = run(graph, x);
        EXPECT_EQ(expected.at("all").dims(), (Dims{2, 3, 4}));
        upgrade(graph);
        graph.validate();
        EXPECT_TRUE(run(graph, x) == expected) << testing::PrintToString(directions);
    }
}

TEST(UpgradeRefuses, AScanThatScansNothing) {
    for (const int64_t scanned : {0, -1, 4}) {
        Graph graph = scan_of_8({});
        graph.node(graph.nodes()[0]).attributes["num_scan_inputs"] = scanned;
        EXPECT_THAT([&] { upgrade(graph); }, testing::ThrowsMessage<Error>(testing::HasSubstr("of its 3 inputs")));
    }
    Graph graph = scan_of_8({});
    graph.node(graph.nodes()[0]).attributes["body"] = int64_t{1};
    EXPECT_THAT([&] { upgrade(graph); }, testing::ThrowsMessage<Error>(testing::HasSubstr("`body` is no graph")));
}

/// The message that refuses the case.
std::string refusal(const Case& c) {
    Graph graph = graph_of(c);
    try {
        upgrade(graph);
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

using testing::HasSubstr;

TEST(UpgradeRefuses, WhatHasNoMeaningSince) {
    const std::vector<Tensor> statistics = {floats({1, 2, 3, 4}), floats({0, 1, 0, 1}), floats({0.5F, 0, 1, 2}),
                                            floats({1, 2, 3, 4})};
    EXPECT_THAT(refusal({"", 13, "BatchNormalization", k4d, {}, statistics, 3}),
                HasSubstr("OPSET_UNSUPPORTED: node `it`"));
    EXPECT_THAT(refusal({"", 9, "BatchNormalization", k4d, {}, statistics, 5}),
                HasSubstr("OPSET_UNSUPPORTED: node `it`"));
    EXPECT_THAT(refusal({"", 8, "Dropout", k4d, {}, {}, 2}), HasSubstr("its mask is read"));
    EXPECT_THAT(refusal({"", 10, "Resize", k4d, {}, {floats({1, 1, 2, 0.5F})}}),
                HasSubstr("it shrinks one axis and enlarges another"));
    EXPECT_THAT(refusal({"", 8, "Scan", k4d}), HasSubstr("lengths of its sequences"));
}

TEST(UpgradeRefuses, AttributesOfAnotherTypeAndMissingOnes) {
    EXPECT_THAT(refusal({"", 8, "Upsample", k4d, {{"scales", int64_t{2}}}}), HasSubstr("`it`"));
    EXPECT_THAT(refusal({"", 8, "Upsample", k4d}), HasSubstr("`it`"));
    EXPECT_THAT(refusal({"", 8, "Clip", k4d, {{"min", int64_t{2}}}}), HasSubstr("NODE_ATTRIBUTE: node `it`"));
    EXPECT_THAT(refusal({"", 8, "Squeeze", k4d, {{"axes", 2.0F}}}), HasSubstr("NODE_ATTRIBUTE: node `it`"));
    EXPECT_THAT(refusal({"", 8, "Softmax", k4d, {{"axis", 2.0F}}}), HasSubstr("NODE_ATTRIBUTE: node `it`"));
}

TEST(UpgradeKeeps, Opset21AndLaterAlone) {
    for (const int64_t opset : {21, 22}) {
        Graph graph = graph_of({"", opset, "Softmax", k4d, {{"axis", int64_t{1}}}});
        const std::string before = write(graph);
        upgrade(graph);
        EXPECT_EQ(write(graph), before);
    }
}

}  // namespace
}  // namespace calotype::onnx
