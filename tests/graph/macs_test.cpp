// batch_of
#include "graph/macs.hpp"

#include <gtest/gtest.h>

namespace calotype::graph {
namespace {

struct Sketch {
    Graph graph{};

    ValueId input(Dims dims) {
        graph.inputs.push_back(graph.add_value(graph.unused_value_name("x"), DataType::float32, std::move(dims)));
        return graph.inputs.back();
    }
    ValueId value(Dims dims) {
        return graph.add_value(graph.unused_value_name("v"), DataType::float32, std::move(dims));
    }
    ValueId product(const std::string& op, ValueId x, Dims weights, Dims made) {
        const ValueId matrix =
            graph.add_constant(graph.unused_value_name("w"), Tensor(DataType::float32, std::move(weights)));
        Node node;
        node.name = graph.unused_node_name(op);
        node.op = op;
        node.inputs = {x, matrix};
        node.outputs = {value(std::move(made))};
        const ValueId y = node.outputs.front();
        graph.add_node(std::move(node));
        return y;
    }
};

TEST(BatchOf, IsTheInputsWhereTheConvolutionsReadIt) {
    Sketch s;
    EXPECT_EQ(batch_of(s.graph), std::nullopt);
    const ValueId x = s.input({2, 3, 8, 8});
    EXPECT_EQ(batch_of(s.graph), 2);
    s.product("Conv", x, {4, 3, 1, 1}, {2, 4, 8, 8});
    EXPECT_EQ(batch_of(s.graph), 2);
}

TEST(BatchOf, OfAPictureWithoutOneAndOfFramesIsThatOfTheConvolutions) {
    Sketch picture;
    picture.input({3, 8, 8});
    picture.product("Conv", picture.value({1, 3, 8, 8}), {4, 3, 1, 1}, {1, 4, 8, 8});
    EXPECT_EQ(batch_of(picture.graph), 1);
    Sketch frames;
    frames.input({1, 5, 3, 8, 8});
    const ValueId maps = frames.product("Conv", frames.value({5, 3, 8, 8}), {4, 3, 1, 1}, {5, 4, 8, 8});
    frames.product("Conv", maps, {4, 4, 1, 1}, {5, 4, 8, 8});
    frames.product("Gemm", frames.value({1, 20}), {20, 3}, {1, 3});
    EXPECT_EQ(batch_of(frames.graph), 5);
}

// Attention within windows: the projections' rows may be put elsewhere, so a small convolution there decides nothing.
TEST(BatchOf, ProductsOfRowsBringNone) {
    Sketch rows;
    rows.input({2, 5, 6});
    rows.product("MatMul", rows.value({10, 6}), {6, 8}, {10, 8});
    EXPECT_EQ(batch_of(rows.graph), 2);
    Sketch windows;
    const ValueId x = windows.input({1, 64, 8});
    windows.product("MatMul", x, {8, 32}, {1, 64, 32});
    windows.product("MatMul", windows.value({4, 16, 8}), {8, 32}, {4, 16, 32});
    windows.product("Conv", windows.value({4, 8, 4, 4}), {8, 1, 3, 3}, {4, 8, 4, 4});
    EXPECT_EQ(batch_of(windows.graph), 1);
}

}  // namespace
}  // namespace calotype::graph
