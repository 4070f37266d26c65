#include "graph/graph.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace calotype::graph {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

NodeId add(Graph& graph, const std::string& name, const std::string& op, std::vector<ValueId> inputs,
           std::vector<ValueId> outputs) {
    Node node;
    node.name = name;
    node.op = op;
    node.inputs = std::move(inputs);
    node.outputs = std::move(outputs);
    return graph.add_node(std::move(node));
}

/// x -> Relu -> a -> Neg -> y
struct Chain {
    Graph graph;
    ValueId x = graph.add_value("x", DataType::float32, Dims{1, 4}), a = graph.add_value("a"), y = graph.add_value("y");
    NodeId relu = add(graph, "relu", "Relu", {x}, {a}), neg = add(graph, "neg", "Neg", {a}, {y});
    Chain() {
        graph.inputs = {x};
        graph.outputs = {y};
    }
};

TEST(Graph, KnowsItsDataflow) {
    Chain c;
    c.graph.validate();
    EXPECT_EQ(c.graph.producer(c.a), c.relu);
    EXPECT_EQ(c.graph.producer(c.x), NodeId::none);
    EXPECT_THAT(c.graph.readers(c.a), ElementsAre(c.neg));
    EXPECT_EQ(c.graph.uses(c.y), 1);
    EXPECT_EQ(c.graph.input(c.neg, 5), ValueId::none);
    EXPECT_THAT(c.graph.values(), ElementsAre(c.x, c.a, c.y));
    EXPECT_EQ(c.graph.unused_value_name("a"), "a_1");
}

TEST(Graph, SortKeepsTheFilesOrderWhereItIsFree) {
    Graph graph;
    const ValueId x = graph.add_value("x"), a = graph.add_value("a"), b = graph.add_value("b"),
                  c = graph.add_value("c");
    graph.inputs = {x};
    graph.outputs = {b, c};
    const NodeId late = add(graph, "late", "Neg", {a}, {b});
    const NodeId free = add(graph, "free", "Abs", {x}, {c});
    const NodeId early = add(graph, "early", "Relu", {x}, {a});
    EXPECT_THROW(graph.validate(), std::logic_error);
    graph.sort();
    EXPECT_THAT(graph.nodes(), ElementsAre(free, early, late));
    graph.validate();
}

TEST(Graph, ACycleIsAnErrorThatNamesANode) {
    Chain c;
    c.graph.set_input(c.relu, 0, c.y);
    try {
        c.graph.sort();
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_EQ(error.text().code, "GRAPH_CYCLE");
        EXPECT_THAT(error.text().subject, HasSubstr("node `"));
    }
}

TEST(Graph, InsertedNodesStandBeforeTheirsAlsoWhereThatGoes) {
    Chain c;
    const auto insert = [&](const std::string& name, NodeId before) {
        Node node;
        node.name = name;
        node.op = "Abs";
        node.inputs = {c.x};
        node.outputs = {c.graph.add_value(name + "_made")};
        return c.graph.insert_node(std::move(node), before);
    };
    const NodeId a = insert("a", c.neg), b = insert("b", c.neg), first = insert("first", a);
    c.graph.remove_node(c.neg);
    EXPECT_THAT(c.graph.nodes(), ElementsAre(c.relu, first, a, b));
    c.graph.remove_node(a);
    const NodeId last = insert("last", a), other = insert("other", c.relu);
    EXPECT_THAT(c.graph.nodes(), ElementsAre(other, c.relu, first, b, last));
    c.graph.sort();
    EXPECT_THAT(c.graph.nodes(), ElementsAre(other, c.relu, first, b, last));
}

TEST(Graph, ANameThatWasFreedIsTheNext) {
    Graph graph;
    graph.inputs = {graph.add_value("x")};
    std::vector<NodeId> nodes;
    for (int64_t i = 0; i < 40; ++i)
        nodes.push_back(add(graph, graph.unused_node_name("n"), "Abs", {graph.inputs[0]},
                            {graph.add_value(graph.unused_value_name("v"))}));
    EXPECT_EQ(graph.node(nodes[39]).name, "n_39");
    EXPECT_EQ(graph.unused_value_name("v"), "v_40");
    graph.remove_node(nodes[30]);
    graph.remove_node(nodes[7]);
    for (const char* name : {"n_7", "n_30", "n_40"}) {
        EXPECT_EQ(graph.unused_node_name("n"), name);
        add(graph, name, "Abs", {graph.inputs[0]}, {graph.add_value(name)});
    }
}

TEST(Graph, UsesAreCountedAsFarAsAsked) {
    Chain c;
    for (int64_t i = 0; i < 5; ++i)
        add(c.graph, c.graph.unused_node_name("add"), "Add", {c.a, c.a},
            {c.graph.add_value(c.graph.unused_value_name("sum"))});
    EXPECT_EQ(c.graph.uses(c.a), 11);
    EXPECT_GE(c.graph.uses(c.a, 3), 3);
    EXPECT_EQ(c.graph.uses(c.x, 2), 1);
}

TEST(Graph, WhatASubgraphReadsIsUsedAsLongAsItsNodeLives) {
    Chain c;
    Node node;
    node.op = "If";
    node.inputs = {c.x};
    node.outputs = {c.graph.add_value("z")};
    node.attributes["then_branch"] = OpaqueGraph{"", {"a"}};
    node.attributes["else_branch"] = OpaqueGraph{"", {"a", "x"}};
    const NodeId branch = c.graph.add_node(std::move(node));
    EXPECT_EQ(c.graph.uses(c.a), 3);
    c.graph.remove_node(branch);
    EXPECT_EQ(c.graph.uses(c.a), 1);
}

TEST(ReplaceUses, AnOutputKeepsItsName) {
    Chain c;
    c.graph.replace_uses(c.y, c.a);  // takes Neg out: a is now what y was
    c.graph.remove_dead();
    c.graph.validate();
    ASSERT_EQ(c.graph.nodes().size(), 1U);
    EXPECT_EQ(c.graph.value(c.graph.outputs[0]).name, "y");
    EXPECT_EQ(c.graph.producer(c.graph.outputs[0]), c.relu);
}

TEST(ReplaceUses, AnInputBecomesAnOutputThroughAnIdentity) {
    Chain c;
    c.graph.replace_uses(c.y, c.x);
    c.graph.remove_dead();
    c.graph.sort();
    c.graph.validate();
    ASSERT_EQ(c.graph.nodes().size(), 1U);
    EXPECT_EQ(c.graph.node(c.graph.nodes()[0]).op, "Identity");
    EXPECT_EQ(c.graph.value(c.graph.outputs[0]).name, "y");
    EXPECT_EQ(c.graph.value(c.graph.inputs[0]).name, "x");
}

TEST(ReplaceUses, EveryReadOfANodeChanges) {
    Graph graph;
    const ValueId x = graph.add_value("x"), a = graph.add_value("a"), y = graph.add_value("y");
    graph.inputs = {x};
    graph.outputs = {y};
    add(graph, "id", "Identity", {x}, {a});
    const NodeId twice = add(graph, "twice", "Mul", {a, a}, {y});
    graph.replace_uses(a, x);
    EXPECT_THAT(graph.node(twice).inputs, ElementsAre(x, x));
    EXPECT_EQ(graph.uses(a), 0);
    EXPECT_TRUE(graph.remove_dead());
    EXPECT_FALSE(graph.remove_dead());
    graph.validate();
}

TEST(Graph, ASubgraphsOuterValuesStayAlive) {
    Chain c;
    Node node;
    node.name = "if";
    node.op = "If";
    node.inputs = {c.x};
    node.outputs = {c.graph.add_value("z")};
    node.attributes["then_branch"] = OpaqueGraph{"", {"a"}, {}};
    c.graph.outputs = {node.outputs[0]};
    const NodeId branch = c.graph.add_node(node);
    EXPECT_EQ(c.graph.uses(c.a), 2);
    c.graph.remove_dead();
    EXPECT_TRUE(c.graph.alive(c.relu));
    EXPECT_FALSE(c.graph.alive(c.neg));
    c.graph.remove_node(branch);
    EXPECT_EQ(c.graph.uses(c.a), 0);
}

TEST(Attributes, OfAnotherTypeAreAnError) {
    Node node;
    node.name = "pool";
    node.op = "MaxPool";
    node.attributes["ceil_mode"] = std::string("yes");
    EXPECT_EQ(int_attribute(node, "strides", 3), 3);
    try {
        int_attribute(node, "ceil_mode", 0);
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_EQ(error.text().code, "NODE_ATTRIBUTE");
        EXPECT_THAT(error.what(), HasSubstr("`pool`"));
    }
}

TEST(Text, IsOneNumberedNodeALine) {
    Chain c;
    EXPECT_THAT(to_text(c.graph), HasSubstr("   0 Relu ("));
    EXPECT_THAT(to_text(c.graph), HasSubstr("   1 Neg ("));
}

}  // namespace
}  // namespace calotype::graph
