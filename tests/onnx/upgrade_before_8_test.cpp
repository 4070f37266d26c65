// Opsets 1 to 7, which ONNX Runtime runs in part or not at all: what `upgrade` makes of a node gives the values written
// here beside it.

#include <gmock/gmock.h>
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
using Floats = std::vector<float>;
using Ints = std::vector<int64_t>;

Tensor floats(Dims dims, const Floats& values) { return Tensor::of<float>(std::move(dims), values); }

/// One node; its input 0 is the graph's `x`, [2, 3] of 0, 1, ... 5 unless said otherwise.
struct Case {
    std::string name;
    int64_t opset = 0;
    std::string op;
    std::vector<Tensor> constants;
    std::map<std::string, Attribute> attributes;
    Floats expected;
    Dims dims{2, 3};
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

std::string old_model(const Case& c) {
    Graph graph;
    graph.opset = c.opset;
    graph.inputs = {graph.add_value("x", DataType::float32, c.dims)};
    Node node;
    node.name = "it";
    node.op = c.op;
    node.attributes = c.attributes;
    node.inputs = graph.inputs;
    for (size_t i = 0; i < c.constants.size(); ++i)
        node.inputs.push_back(graph.add_constant("c" + std::to_string(i), c.constants[i]));
    graph.outputs = {graph.add_value("y")};
    node.outputs = graph.outputs;
    graph.add_node(node);
    return write(graph);
}

struct UpgradeOf : testing::TestWithParam<Case> {};

TEST_P(UpgradeOf, GivesWhatTheOldOperatorMeans) {
    const std::string bytes = old_model(GetParam());
    const Graph graph = parse(std::as_bytes(std::span(bytes)), "old.onnx", ".");
    graph.validate();
    Tensor x(DataType::float32, GetParam().dims);
    for (int64_t i = 0; i < x.elements(); ++i) x.values<float>()[static_cast<size_t>(i)] = static_cast<float>(i);
    const auto outputs =
        ort::Session(ort::Library::load(), write(graph), {.threads = 1, .optimize = false}).run({{"x", x}});
    EXPECT_EQ(to_floats(outputs.at("y")), GetParam().expected) << to_text(graph);
}

std::vector<Case> cases() {
    const std::map<std::string, Attribute> from_0{{"broadcast", int64_t{1}}, {"axis", int64_t{0}}};
    const std::map<std::string, Attribute> from_behind{{"broadcast", int64_t{1}}, {"axis", int64_t{-2}}};
    const std::map<std::string, Attribute> last{{"broadcast", int64_t{1}}, {"consumed_inputs", Ints{0, 0}}};
    const Tensor rows = floats({2}, {10, 20}), columns = floats({3}, {1, 2, 3});
    const Tensor one = floats({1}, {1});
    return {
        {"AddFromAxis", 6, "Add", {rows}, from_0, {10, 11, 12, 23, 24, 25}},
        {"AddFromAxisBehind", 6, "Add", {rows}, from_behind, {10, 11, 12, 23, 24, 25}},
        {"MulLastAxesOfOpset1", 1, "Mul", {columns}, last, {0, 2, 6, 3, 8, 15}},
        {"SubOneNumber", 6, "Sub", {one}, {{"broadcast", int64_t{1}}}, {-1, 0, 1, 2, 3, 4}},
        {"PReluOfChannels", 6, "PRelu", {floats({3}, {1, 2, 3})}, {}, {0, 1, 2, 3, 4, 5}, {1, 3, 2}},
        {"ConcatOfAxis1", 3, "Concat", {floats({2, 1}, {8, 9})}, {}, {0, 1, 2, 8, 3, 4, 5, 9}},
        {"PadOfPaddings", 1, "Pad", {}, {{"paddings", Ints{0, 1, 0, 0}}}, {0, 0, 1, 2, 0, 3, 4, 5}},
        {"ReshapeOfAttribute", 4, "Reshape", {}, {{"shape", Ints{3, -1}}}, {0, 1, 2, 3, 4, 5}},
        {"TileOfOneAxis", 5, "Tile", {one, one}, {}, {0, 1, 2, 3, 4, 5}},
        {"TileOfAxis1", 5, "Tile", {floats({1}, {2}), one}, {}, {0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5}},
        {"SplitOfFloats", 1, "Split", {floats({1}, {2})}, {{"axis", int64_t{0}}}, {0, 1, 2, 3, 4, 5}},
        {"UpsampleOfTwoScales",
         1,
         "Upsample",
         {},
         {{"height_scale", 2.0F}, {"width_scale", 1.0F}, {"mode", "nearest"}},
         {0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5},
         {1, 1, 2, 3}},
        {"GlobalLpPoolOfFloat", 1, "GlobalLpPool", {}, {{"p", 1.0F}}, {3, 12}, {1, 2, 3, 1}},
        {"DropoutOfTest", 6, "Dropout", {}, {{"is_test", int64_t{1}}}, {0, 1, 2, 3, 4, 5}},
        {"GemmOfBroadcast", 6, "Gemm", {floats({3, 1}, {1, 1, 1}), one}, {{"broadcast", int64_t{1}}}, {4, 13}},
        {"BatchNormalizationOfTest",
         6,
         "BatchNormalization",
         {floats({3}, {1, 1, 1}), floats({3}, {0, 0, 0}), columns, floats({3}, {1, 1, 4})},
         {{"is_test", int64_t{1}}, {"epsilon", 0.0F}},
         {-1, -1, -0.5F, 2, 2, 1}},
        {"BatchNormalizationOfEveryPixel",
         8,
         "BatchNormalization",
         {floats({3, 2}, {1, 1, 1, 1, 1, 2}), floats({3, 2}, {0, 0, 0, 0, 0, 1}), floats({3, 2}, {0, 1, 0, 0, 0, 0}),
          floats({3, 2}, {1, 1, 1, 1, 4, 1})},
         {{"spatial", int64_t{0}}, {"epsilon", 0.0F}},
         {0, 0, 2, 3, 2, 11},
         {1, 3, 2}},
    };
}
INSTANTIATE_TEST_SUITE_P(Opset, UpgradeOf, testing::ValuesIn(cases()),
                         [](const auto& info) { return info.param.name; });

TEST(UpgradeOf1, ReadsATypeByItsName) {
    const std::string bytes = old_model({"", 1, "Cast", {}, {{"to", std::string("INT64")}}, {}});
    const Graph graph = parse(std::as_bytes(std::span(bytes)), "old.onnx", ".");
    EXPECT_EQ(graph::int_attribute(graph.node(graph.nodes()[0]), "to", 0), 7);
    const std::string unknown = old_model({"", 1, "Cast", {}, {{"to", std::string("QUATERNION")}}, {}});
    EXPECT_THROW(parse(std::as_bytes(std::span(unknown)), "old.onnx", "."), Error);
}

}  // namespace
}  // namespace calotype::onnx
