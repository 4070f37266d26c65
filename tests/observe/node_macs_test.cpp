#include "observe/node_macs.hpp"

#include <gtest/gtest.h>

namespace calotype::observe {
namespace {

using graph::Node;
using graph::ValueId;

int64_t macs(const std::string& op, std::vector<Dims> inputs, Dims output,
             std::map<std::string, graph::Attribute> attributes = {}) {
    Node node;
    node.op = op;
    node.attributes = std::move(attributes);
    node.outputs = {ValueId{0}};
    return node_macs(node, {std::move(inputs), {std::move(output)}});
}

TEST(NodeMacs, CountWhatANodeMultiplies) {
    EXPECT_EQ(macs("Relu", {{2, 3}}, {2, 3}), 6);
    EXPECT_EQ(macs("Conv", {{1, 4, 9, 9}, {8, 4, 3, 3}}, {1, 8, 7, 7}), 8 * 7 * 7 * 4 * 9);
    EXPECT_EQ(macs("ConvInteger", {{1, 4, 9, 9}, {8, 4, 3, 3}}, {1, 8, 7, 7}), 8 * 7 * 7 * 4 * 9);
    EXPECT_EQ(macs("QLinearConv", {{1, 4, 9, 9}, {}, {}, {8, 4, 3, 3}}, {1, 8, 7, 7}), 8 * 7 * 7 * 4 * 9);
    EXPECT_EQ(macs("QLinearMatMul", {{5, 6}, {}, {}, {6, 7}}, {5, 7}), 5 * 6 * 7);
    EXPECT_EQ(macs("Gemm", {{6, 5}, {6, 7}}, {5, 7}, {{"transA", int64_t{1}}}), 5 * 6 * 7);
    EXPECT_EQ(macs("Det", {{2, 9, 9}}, {2}), 2 * 9 * 9 * 9);
    EXPECT_EQ(macs("Attention", {{1, 2, 5, 4}, {1, 2, 9, 4}}, {1, 2, 5, 4}), 2 * 5 * 4 * 9);
    EXPECT_EQ(macs("NonMaxSuppression", {{1, 100, 4}, {1, 3, 100}}, {-1, 3}), 3 * 100 * 100);
    EXPECT_EQ(macs("MaxPool", {{1, 1, 9, 9}}, {1, 1, 8, 8}, {{"kernel_shape", std::vector<int64_t>{2, 50}}}),
              8 * 8 * 2 * 9);
}

TEST(NodeMacs, AnEinsumGoesOperandByOperand) {
    const auto einsum = [](const std::string& equation, std::vector<Dims> inputs) {
        return macs("Einsum", std::move(inputs), {}, {{"equation", equation}});
    };
    EXPECT_EQ(einsum("ij,jk->ik", {{2, 3}, {3, 5}}), 2 * 3 + 2 * 3 * 5);
    EXPECT_EQ(einsum("ab, bc, cd -> ad", {{10, 10}, {10, 10}, {10, 10}}), 100 + 1000 + 1000);
    EXPECT_EQ(einsum("a,b,c->", {{10}, {10}, {10}}), 10 + 10 + 10);
    EXPECT_EQ(einsum("a,b,c->abc", {{10}, {10}, {10}}), 10 + 100 + 1000);
    EXPECT_EQ(einsum("...ij,...jk->...ik", {{7, 2, 3}, {7, 3, 5}}), 7 * 2 * 3 + 7 * 2 * 3 * 5);
}

TEST(NodeMacs, WhatOverflowsIsTheMost) {
    EXPECT_EQ(macs("MatMul", {{int64_t{1} << 40, int64_t{1} << 40}, {}}, {int64_t{1} << 40}), INT64_MAX);
    EXPECT_EQ(macs("Relu", {{-1, 3}}, {-1, 3}), 3);  // a free dim is not known, and counts as 1
}

}  // namespace
}  // namespace calotype::observe
