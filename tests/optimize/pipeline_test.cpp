// fold_constants, remove_identity, the runner
#include <gmock/gmock.h>

#include <cmath>

#include "base/error.hpp"
#include "observe/observe.hpp"
#include "optimize/fixture.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize::tests {
namespace {

using testing::ElementsAre;
using Ints = std::vector<int64_t>;

TEST(FoldConstants, NodesOfConstantsAreEvaluated) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 4, 4});
    const ValueId doubled = w.node("Mul", {w.weights({2, 3, 1, 1}), w.constant({}, {2})});
    w.output(w.node("Conv", {x, w.node("Neg", {doubled})}), "y");
    Graph& graph = w.graph;
    const Report report =
        run(graph, {.disabled = {}, .dump = {}, .validate = true, .evaluate = observe::make_evaluator(library())});
    ASSERT_EQ(graph.nodes().size(), 1u);
    EXPECT_EQ(graph.node(graph.nodes()[0]).op, "Conv");
    EXPECT_TRUE(graph.is_constant(graph.input(graph.nodes()[0], 1)));
    ASSERT_FALSE(report.applied.empty());
    EXPECT_EQ(report.applied[0].rewrite, "fold_constants");
    EXPECT_EQ(report.applied[0].times, 2);
}

TEST(Absorb, ANodeThatAnOutputShowsKeepsWhatItStandsFor) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 4, 4}), shown = w.node("Neg", {x});
    w.graph.outputs = {shown, w.node("Abs", {x})};
    const auto nodes = w.graph.nodes();
    absorb(w.graph, nodes[1], nodes[0]);
    EXPECT_THAT(w.graph.node(nodes[1]).sources, ElementsAre("Neg_0", "Abs_0"));
    EXPECT_THAT(w.graph.node(nodes[0]).sources, ElementsAre("Neg_0"));
}

TEST(Runner, EndsWhenItsTimeIsOver) {
    Writer w;
    w.output(w.node("Neg", {w.input("x", {1, 3, 4, 4})}), "y");
    Limits limits;
    limits.run_seconds = 0;
    Options options;
    options.deadline = Deadline(limits, "`model.onnx`", "rewriting it");
    try {
        run(w.graph, options);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.text().code, "LIMIT_TIME");
        EXPECT_EQ(error.text().fact, "rewriting it took longer than 0 s and was ended");
    }
}

TEST(FoldConstants, DeclinesWhatIsRandom) {
    Writer w;
    const ValueId random = w.node("RandomUniformLike", {w.constant({2, 3}, {1, 1, 1, 1, 1, 1})});
    w.output(w.node("Add", {w.input("x", {2, 3}), w.node("Mul", {random, w.constant({}, {0})})}), "y");
    EXPECT_THAT(optimized(w).reasons("fold_constants"), ElementsAre("its result is random"));
}

TEST(FoldConstants, ShapesOfKnownDimsNeedNoEvaluation) {
    Graph graph;
    graph.inputs = {graph.add_value("x", DataType::float32, Dims{2, 3, 4})};
    const ValueId shape = graph.add_value("shape", DataType::int64, Dims{2});
    graph.add_node({.name = "s",
                    .op = "Shape",
                    .domain = "",
                    .inputs = graph.inputs,
                    .outputs = {shape},
                    .attributes = {{"start", int64_t{-2}}},
                    .sources = {"s"}});
    const ValueId y = graph.add_value("y", DataType::float32, Dims{3, 4});
    graph.add_node({.name = "e",
                    .op = "ConstantOfShape",
                    .domain = "",
                    .inputs = {shape},
                    .outputs = {y},
                    .attributes = {},
                    .sources = {"e"}});
    graph.outputs = {y};
    run(graph, {});
    ASSERT_EQ(graph.nodes().size(), 1u);
    EXPECT_EQ(to_int64s(*graph.value(graph.input(graph.nodes()[0], 0)).constant), (Ints{3, 4}));
}

TEST(RemoveIdentity, EveryNodeThatReturnsItsInput) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 4, 4});
    ValueId y = w.node("Neg", {x});
    y = w.node("Identity", {y});
    y = w.node("Dropout", {y});
    y = w.node("Cast", {y}, {{"to", int64_t{1}}});
    y = w.node("Expand", {y, w.ints({1, 1, 4, 4})});
    y = w.node("Reshape", {y, w.ints({1, 3, 4, 4})});
    y = w.node("Pad", {y, w.ints({0, 0, 0, 0, 0, 0, 0, 0})});
    y = w.node("Slice", {y, w.ints({0}), w.ints({INT64_MAX}), w.ints({2})});
    y = w.node("Transpose", {y}, {{"perm", Ints{0, 1, 2, 3}}});
    y = w.node("Concat", {y}, {{"axis", int64_t{1}}});
    y = w.node("Add", {y, w.constant({}, {0})});
    y = w.node("Div", {y, w.constant({1}, {1})});
    y = w.node("MaxPool", {y}, {{"kernel_shape", Ints{1, 1}}});
    y = w.node("Clip", {y});
    w.output(y, "y");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, ElementsAre("Neg"));
    EXPECT_THAT(outcome.only("Neg").sources, testing::IsSupersetOf({"Neg_0", "Dropout_0", "Expand_0", "Clip_0"}));
}

TEST(RemoveIdentity, LeavesWhatOnlyLooksLikeIt) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 4, 4});
    w.output(w.node("Transpose", {x}, {{"perm", Ints{0, 1, 3, 2}}}), "a");
    w.output(w.node("Slice", {x, w.ints({-1}), w.ints({-100}), w.ints({2}), w.ints({-1})}), "b");
    w.output(w.node("Pad", {x, w.ints({0, 0, 1, 0, 0, 0, -1, 0})}), "c");
    w.output(w.node("AveragePool", {w.node("GlobalMaxPool", {x})},
                    {{"kernel_shape", Ints{3, 3}}, {"pads", Ints{1, 1, 1, 1}}, {"count_include_pad", int64_t{1}}}),
             "d");
    EXPECT_THAT(optimized(w).ops,
                testing::UnorderedElementsAre("Transpose", "Slice", "Pad", "GlobalMaxPool", "AveragePool"));
}

TEST(RemoveIdentity, APoolOverOnePixel) {
    Writer w;
    const ValueId x = w.node("GlobalAveragePool", {w.input("x", {1, 3, 4, 4})});
    const Attributes attributes{{"kernel_shape", Ints{3, 3}}, {"pads", Ints{1, 1, 1, 1}}};
    w.output(w.node("AveragePool", {w.node("GlobalAveragePool", {x})}, attributes), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("GlobalAveragePool"));
}

TEST(RemoveIdentity, LeavesASliceThatCutsLargerMaps) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 4, 4});
    w.output(w.node("Slice", {x, w.ints({0}), w.ints({1000}), w.ints({2})}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Slice"));
}

TEST(RemoveIdentity, LeavesADilatedPoolThatStepsOverTheOnePixel) {
    Writer w;
    const ValueId x = w.node("GlobalAveragePool", {w.input("x", {1, 3, 4, 4})});
    const Attributes attributes{
        {"kernel_shape", Ints{2, 1}}, {"dilations", Ints{2, 1}}, {"pads", Ints{1, 0, 1, 0}}};  // rows -1 and 1
    w.output(w.node("MaxPool", {x}, attributes), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("GlobalAveragePool", "MaxPool"));
}

TEST(RemoveIdentity, AnInputThatIsAnOutputKeepsBothNames) {
    Writer w;
    w.output(w.input("x", {1, 3}), "y");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, ElementsAre("Identity"));
    EXPECT_EQ(outcome.graph.value(outcome.graph.outputs[0]).name, "y");
    EXPECT_EQ(outcome.graph.value(outcome.graph.inputs[0]).name, "x");
}

TEST(RemoveIdentity, TwoOutputsOfOneValueKeepTheirNames) {
    Writer w;
    const ValueId y = w.node("Relu", {w.input("x", {1, 3})});
    w.output(y, "a");
    w.output(y, "b");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Relu", "Identity"));
}

TEST(Pipeline, AnUnknownNameIsAnErrorWithTheNearest) {
    Writer w;
    w.output(w.node("Relu", {w.input("x", {1, 3})}), "y");
    try {
        run(w.graph, {.disabled = {"fold_batchnorm"}, .dump = {}, .validate = true, .evaluate = {}});
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(),
                     "OPTION_VALUE: `--disable`: there is no rewrite `fold_batchnorm`\n"
                     "  try: the nearest name is `fold_batch_norm`");
    }
}

TEST(Pipeline, ADisabledRewriteDoesNothing) {
    Writer w;
    w.output(w.node("Relu", {w.node("Dropout", {w.input("x", {1, 3})})}), "y");
    EXPECT_THAT(optimized(w, {"remove_identity"}).ops, testing::Contains("Dropout"));
}

TEST(Pipeline, DumpsAfterEachRewriteThatChangedSomething) {
    Writer w;
    w.output(w.node("Min", {w.node("Dropout", {w.input("x", {1, 3})}), w.constant({}, {6})}), "y");
    observe::concretize(w.graph, library(), random_samples(w.graph));
    std::vector<std::string> dumped;
    run(w.graph, {.disabled = {},
                  .dump = [&](std::string_view name, const Graph&) { dumped.emplace_back(name); },
                  .validate = true,
                  .evaluate = {}});
    EXPECT_THAT(dumped, ElementsAre("remove_identity", "min_max_to_clip"));
}

TEST(Pipeline, NamesAreUniqueAndEachPlaceHasAReason) {
    std::set<std::string_view> names;
    for (const RewriteInfo& one : rewrites()) {
        EXPECT_TRUE(names.insert(one.name).second) << one.name;
        EXPECT_FALSE(one.why_here.empty()) << one.name;
    }
}

// The oracle of all these tests must be able to fail.
TEST(Fixture, RelativeErrorSeesWrongNumbersAndDims) {
    const std::vector<float> x{0, 1, 2, 4}, wrong{0, 1, 2, 4.1f};
    const Tensor expected = Tensor::of<float>({4}, std::span<const float>(x));
    EXPECT_EQ(relative_error(expected, expected), 0);
    EXPECT_GT(relative_error(expected, Tensor::of<float>({4}, std::span<const float>(wrong))), 0.02);
    EXPECT_GT(relative_error(expected, expected.reshaped({2, 2})), 1e6);
    const std::vector<float> odd{0, 1, NAN, 4};
    EXPECT_GT(relative_error(Tensor::of<float>({4}, std::span<const float>(odd)), expected), 1e6);
}

}  // namespace
}  // namespace calotype::optimize::tests
