#include "onnx/write.hpp"

#include <gtest/gtest.h>

#include <span>

#include "onnx/read.hpp"

namespace calotype::onnx {
namespace {

TEST(Write, AFreeDimWithoutASymbolStaysADim) {
    graph::Graph graph;
    graph.inputs = {graph.add_value("x", DataType::float32, Dims{-1, 3, -1})};
    graph::Node node;
    node.op = "Relu";
    node.inputs = graph.inputs;
    node.outputs = {graph.add_value("y", DataType::float32, Dims{-1, 3, -1})};
    graph.add_node(node);
    graph.outputs = node.outputs;
    const std::string bytes = write(graph);
    const graph::Graph back = parse(std::as_bytes(std::span(bytes)), "written", {});
    EXPECT_EQ(back.value(back.inputs[0]).dims, (Dims{-1, 3, -1}));
    EXPECT_EQ(back.value(back.outputs[0]).dims, (Dims{-1, 3, -1}));
}

}  // namespace
}  // namespace calotype::onnx
