#include "observe/known_sizes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "observe/add_node.hpp"
#include "observe/fold_sizes.hpp"

namespace calotype::observe {
namespace {

using graph::Graph;
using graph::ValueId;
using testing::HasSubstr;

template <typename Do>
ErrorText error_of(const Do& act) {
    try {
        act();
    } catch (const Error& error) {
        return error.text();
    }
    return {};
}

ort::Info tensor_info(std::string name, DataType type, Dims dims) {
    ort::Info info;
    info.name = std::move(name);
    info.type = type;
    info.dims = std::move(dims);
    return info;
}

/// y = max(made by `op` of x)
Graph reduced(const std::string& op) {
    Graph graph;
    graph.inputs = {graph.add_value("x", DataType::float32, Dims{10, 10})};
    const ValueId made = add(graph, op, {graph.inputs[0]}, "made", {{"equation", std::string("ij->ij")}});
    graph.outputs = {add(graph, "ReduceMax", {made}, "y")};
    return graph;
}

TEST(LargeRuns, AnEinsumLiesInMemoryFourTimes) {
    Limits limits;
    limits.memory_bytes = 1000;
    const std::vector<ort::Info> outputs{tensor_info("made", DataType::float32, {10, 10})};
    EXPECT_EQ(error_of([&] { refuse_large_runs(reduced("Relu"), outputs, limits); }).code, "");
    const ErrorText text = error_of([&] { refuse_large_runs(reduced("Einsum"), outputs, limits); });
    EXPECT_EQ(text.code, "LIMIT_MEMORY");
    EXPECT_THAT(text.fact, HasSubstr("it has 400 bytes and a run takes 1600"));
}

TEST(LargeConstants, OneThatOnlyConstantsReadIsBoundedToo) {
    Graph graph;
    const std::vector<int64_t> dims{100};
    const ValueId shape = graph.add_constant("shape", Tensor::of<int64_t>({1}, std::span(dims)));
    const ValueId ones = add(graph, "ConstantOfShape", {shape}, "ones");
    const ValueId most = add(graph, "ReduceMax", {ones}, "most");
    graph.inputs = {graph.add_value("x", DataType::float32, Dims{1})};
    graph.outputs = {add(graph, "Add", {graph.inputs[0], most}, "y")};
    const std::vector<ort::Info> outputs{tensor_info("ones", DataType::float32, {100}),
                                         tensor_info("most", DataType::float32, {1}),
                                         tensor_info("y", DataType::float32, {1})};
    Limits limits;
    const auto refuse = [&] { refuse_large_constants(graph, {ones, most}, outputs, limits); };
    limits.folded_bytes = 392;  // 8 of the file
    EXPECT_EQ(error_of(refuse).code, "");
    limits.folded_bytes = 391;
    const ErrorText text = error_of(refuse);
    EXPECT_EQ(text.code, "LIMIT_FOLDED");
    EXPECT_EQ(text.subject, "tensor `ones`");
}

/// y = Expand(x, whole(Shape(x) * 1.5)), as exporters write a scaled size; x is [1, 4].
Graph scaled() {
    Graph graph;
    graph.opset = 21;
    const ValueId x = graph.add_value("x", DataType::float32, Dims{1, 4});
    graph.inputs = {x};
    const std::vector<float> factors{150, 1};
    const ValueId factor = graph.add_constant("factor", Tensor::of<float>({2}, std::span(factors)));
    const ValueId shape = add(graph, "Shape", {x}, "shape");
    const ValueId real = add(graph, "Cast", {shape}, "real", {{"to", int64_t{1}}});
    const ValueId more = add(graph, "Mul", {real, factor}, "more");
    const ValueId target = add(graph, "Cast", {more}, "target", {{"to", int64_t{7}}});
    graph.outputs = {add(graph, "Expand", {x, target}, "y")};
    return graph;
}

std::vector<ort::Info> outputs_of_scaled(Dims y) {
    return {tensor_info("shape", DataType::int64, {2}), tensor_info("real", DataType::float32, {2}),
            tensor_info("more", DataType::float32, {2}), tensor_info("target", DataType::int64, {2}),
            tensor_info("y", DataType::float32, std::move(y))};
}

TEST(FoldSizes, ComputesTheSizeThatANodeIsGiven) {
    const auto library = ort::Library::load();
    Graph graph = scaled();
    ASSERT_TRUE(fold_sizes(graph, library, outputs_of_scaled({-1, 4})));
    graph.validate();
    ASSERT_EQ(graph.nodes().size(), 5U) << to_text(graph);
    const ValueId target = graph.input(graph.producer(graph.outputs[0]), 1);
    EXPECT_EQ(to_int64s(graph.value(target).constant.value()), (std::vector<int64_t>{150, 4}));
    EXPECT_FALSE(fold_sizes(graph, library, outputs_of_scaled({-1, 4})));
}

TEST(FoldSizes, LeavesAGraphWhoseSizesAreKnown) {
    const auto library = ort::Library::load();
    Graph graph = scaled();
    EXPECT_FALSE(fold_sizes(graph, library, outputs_of_scaled({150, 4})));
    EXPECT_FALSE(graph.is_constant(graph.input(graph.producer(graph.outputs[0]), 1)));
}

TEST(FoldSizes, LeavesTheShapeOfWhatMayBeNoScalar) {
    const auto library = ort::Library::load();
    Graph graph;
    graph.opset = 21;
    const ValueId x = graph.add_value("x", DataType::float32, Dims{1, 4});
    graph.inputs = {x};
    const ValueId shape = add(graph, "Shape", {add(graph, "Relu", {x}, "made")}, "shape");
    graph.outputs = {add(graph, "Expand", {x, shape}, "y")};
    // A value of unknown rank has no dims there, as a scalar.
    EXPECT_FALSE(fold_sizes(
        graph, library, {tensor_info("made", DataType::float32, {}), tensor_info("y", DataType::float32, {-1, 4})}));
    EXPECT_EQ(graph.input(graph.producer(graph.outputs[0]), 1), shape);
}

TEST(FoldSizes, LeavesWhatIsLarge) {
    const auto library = ort::Library::load();
    Graph graph = scaled();
    std::vector<ort::Info> outputs = outputs_of_scaled({-1, 4});
    outputs[2].dims = {2000};  // `more`, so it and what reads it stay
    ASSERT_TRUE(fold_sizes(graph, library, outputs));
    EXPECT_FALSE(graph.is_constant(graph.input(graph.producer(graph.outputs[0]), 1)));
}

}  // namespace
}  // namespace calotype::observe
