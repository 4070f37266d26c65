#include "observe/observe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "observe/add_node.hpp"
#include "onnx/write.hpp"

namespace calotype::observe {
namespace {

using graph::Graph;
using graph::ValueId;
using testing::HasSubstr;

ValueId ints(Graph& graph, const std::string& name, std::vector<int64_t> values) {
    return graph.add_constant(name, Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, std::span(values)));
}

ValueId scalar(Graph& graph, const std::string& name, int64_t value) {
    return graph.add_constant(name, Tensor::of<int64_t>({}, std::span(&value, 1)));
}

/// y = Reshape(Relu(x), [Shape(x)[0], -1]) with x [N, 2, 2], as exporters write a flatten.
Graph flatten() {
    Graph graph;
    const ValueId x = graph.add_value("x", DataType::float32, Dims{-1, 2, 2});
    graph.value(x).symbols = {"N", "", ""};
    graph.inputs = {x};
    const ValueId shape = add(graph, "Shape", {x}, "shape");
    const ValueId batch = add(graph, "Gather", {shape, ints(graph, "zero", {0})}, "batch");
    const ValueId target = add(graph, "Concat", {batch, ints(graph, "rest", {-1})}, "target", {{"axis", int64_t{0}}});
    const ValueId relu = add(graph, "Relu", {x}, "relu");
    const ValueId y = add(graph, "Reshape", {relu, target}, "y");
    graph.outputs = {y};
    return graph;
}

std::map<std::string, Tensor> sample(float first) {
    std::vector<float> x(12, -1);
    x[0] = first;
    return {{"x", Tensor::of<float>({3, 2, 2}, std::span(x))}};
}

TEST(Concretize, BindsFreeDimsAndFoldsWhatTheyDecide) {
    const auto library = ort::Library::load();
    Graph graph = flatten();
    concretize(graph, library, sample(5));
    graph.validate();
    ASSERT_EQ(graph.nodes().size(), 2U) << to_text(graph);
    EXPECT_EQ(graph.value(graph.inputs[0]).dims, (Dims{3, 2, 2}));
    EXPECT_EQ(graph.value(graph.outputs[0]).dims, (Dims{3, 4}));
    const auto reshape = graph.producer(graph.outputs[0]);
    EXPECT_EQ(to_int64s(graph.value(graph.input(reshape, 1)).constant.value()), (std::vector<int64_t>{3, -1}));
}

TEST(Concretize, PassesOverSequences) {
    const auto library = ort::Library::load();
    Graph graph;
    const ValueId x = graph.add_value("x", DataType::float32, Dims{-1, 2, 2});
    graph.inputs = {x};
    const ValueId parts = add(graph, "SplitToSequence", {x}, "parts");
    graph.outputs = {add(graph, "ConcatFromSequence", {parts}, "y", {{"axis", int64_t{0}}})};
    concretize(graph, library, sample(5));
    EXPECT_EQ(graph.value(graph.outputs[0]).dims, (Dims{3, 2, 2}));
    EXPECT_FALSE(graph.value(parts).dims.has_value());
    EXPECT_EQ(graph.value(parts).other, (graph::OtherType{Kind::sequence, DataType::float32}));
    EXPECT_FALSE(graph.value(graph.outputs[0]).varies);
}

/// y = Shape(NonZero(x)) + 0, beside z = Shape(Relu(x)) + 0.
TEST(Concretize, KeepsSizesOpenThatHangOnContents) {
    const auto library = ort::Library::load();
    Graph graph;
    const ValueId x = graph.add_value("x", DataType::float32, Dims{3, 2, 2});
    graph.inputs = {x};
    const ValueId places = add(graph, "NonZero", {x}, "places"), zero = ints(graph, "zero", {0});
    graph.outputs = {add(graph, "Add", {add(graph, "Shape", {places}, "count"), zero}, "y"),
                     add(graph, "Add", {add(graph, "Shape", {add(graph, "Relu", {x}, "r")}, "shape"), zero}, "z")};
    concretize(graph, library, sample(5));
    EXPECT_TRUE(graph.value(places).varies);
    EXPECT_FALSE(graph::concrete_dims(graph, places).has_value());
    EXPECT_FALSE(graph.is_constant(graph.input(graph.producer(graph.outputs[0]), 0)));
    EXPECT_TRUE(graph.is_constant(graph.input(graph.producer(graph.outputs[1]), 0)));
}

/// y = x + Range(0, Reshape(3, [1] through floats), 1): the Range is given [3] instead of 3, which its kernel takes and
/// inference refuses once it knows the rank.
TEST(Concretize, PassesOverWhatOnlyInferenceRefuses) {
    const auto library = ort::Library::load();
    Graph graph;
    const ValueId x = graph.add_value("x", DataType::float32, Dims{3});
    graph.inputs = {x};
    const ValueId real = add(graph, "Cast", {ints(graph, "list", {1})}, "real", {{"to", int64_t{1}}});
    const ValueId list = add(graph, "Cast", {real}, "whole", {{"to", int64_t{7}}});
    const ValueId end = add(graph, "Reshape", {scalar(graph, "three", 3), list}, "end");
    const ValueId range = add(graph, "Range", {scalar(graph, "zero", 0), end, scalar(graph, "one", 1)}, "range");
    graph.outputs = {add(graph, "Add", {x, add(graph, "Cast", {range}, "steps", {{"to", int64_t{1}}})}, "y")};
    const std::vector<float> three{5, 6, 7};
    concretize(graph, library, {{"x", Tensor::of<float>({3}, std::span(three))}});
    EXPECT_EQ(graph.value(graph.outputs[0]).dims, (Dims{3}));
}

TEST(Concretize, ASampleWithoutAnInputIsAnError) {
    const auto library = ort::Library::load();
    Graph graph = flatten();
    EXPECT_THROW(concretize(graph, library, {}), Error);
}

TEST(Concretize, AnUnknownOperatorIsNamed) {
    const auto library = ort::Library::load();
    Graph graph = flatten();
    graph.node(graph.producer(graph.outputs[0])).op = "Reshapo";
    try {
        concretize(graph, library, sample(1));
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_EQ(error.text().code, "UNKNOWN_OPERATOR");
        EXPECT_THAT(error.what(), HasSubstr("Reshapo"));
    }
}

TEST(Observer, GivesValuesInsideTheGraph) {
    const auto library = ort::Library::load();
    const Observer observer(flatten(), library, {"relu", "x", "y"});
    for (const float first : {5.0F, 7.0F}) {
        const auto values = observer.run(sample(first));
        ASSERT_EQ(values.size(), 3U);
        EXPECT_EQ(values.at("relu").dims(), (Dims{3, 2, 2}));
        EXPECT_EQ(values.at("relu").values<float>()[0], first);
        EXPECT_EQ(values.at("relu").values<float>()[1], 0.0F);
        EXPECT_EQ(values.at("x").values<float>()[1], -1.0F);
    }
}

TEST(Evaluator, ComputesANodeOfConstants) {
    const auto library = ort::Library::load();
    Graph graph;
    const ValueId a = ints(graph, "a", {2, 3}), b = ints(graph, "b", {10, 20});
    graph.outputs = {add(graph, "Add", {a, b}, "sum")};
    const auto results = make_evaluator(library)(graph, graph.producer(graph.outputs[0]));
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(to_int64s(results[0]), (std::vector<int64_t>{12, 23}));
}

TEST(Session, AWrongShapeIsAnErrorInOnnxRuntimesWords) {
    const auto library = ort::Library::load();
    Graph graph = flatten();
    graph.value(graph.outputs[0]).type = DataType::float32;
    const ort::Session session(library, onnx::write(graph));
    ASSERT_EQ(session.inputs().size(), 1U);
    EXPECT_EQ(session.inputs()[0].dims, (Dims{-1, 2, 2}));
    const std::vector<float> x(6, 1);
    try {
        session.run({{"x", Tensor::of<float>({2, 3}, std::span(x))}});
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_EQ(error.text().code, "ORT_RUN");
    }
}

/// Of 1 MB a value: an arena would keep the 4 MB of the first sample's size beside those of the second.
TEST(Session, ThatShowsEveryValueGivesTheMemoryOfOneSizeBack) {
    Limits limits;
    limits.memory_bytes = 6'000'000;
    const auto library = ort::Library::load({}, limits);
    Graph graph;
    ValueId value = graph.add_value("x", DataType::float32, Dims{-1});
    graph.inputs = {value};
    for (const char* name : {"a", "b", "c", "d"}) {
        value = add(graph, "Relu", {value}, name);
        graph.value(value).type = DataType::float32;
        graph.outputs.push_back(value);
    }
    const ort::Session session(library, onnx::write(graph), {.threads = 1, .optimize = false});
    const auto run = [&](int64_t size) {
        const std::vector<float> x(static_cast<size_t>(size), 1);
        return session.run({{"x", Tensor::of<float>({size}, std::span(x))}}).at("d").elements();
    };
    for (const int64_t size : {250'000, 260'000, 270'000, 250'000}) EXPECT_EQ(run(size), size);
    try {
        run(1'000'000);
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_EQ(error.text().code, "LIMIT_MEMORY");
        EXPECT_EQ(error.text().subject, "node `Relu_b` (Relu)");
        EXPECT_EQ(error.text().fact, "it asks for 4000000 bytes, of the memory allowed for a run 2000000 are left");
    }
    EXPECT_EQ(run(250'000), 250'000);
}

TEST(Library, AMissingOneSaysWhatToDo) {
    try {
        ort::Library::load("/nowhere/libonnxruntime.so.1");
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_EQ(error.text().code, "ORT_MISSING");
        EXPECT_THAT(error.what(), HasSubstr("pip install onnxruntime"));
    }
}

}  // namespace
}  // namespace calotype::observe
