// gelu_from_parts, hard_swish_from_parts, layer_norm_from_parts, softplus_from_parts, prelu_to_relu, abs_to_leaky_relu,
// selu_to_elu
#include <gmock/gmock.h>

#include <functional>

#include "optimize/fixture.hpp"

namespace calotype::optimize::tests {
namespace {

using testing::ElementsAre;

/// Nodes without their names; a float stands for a constant of one number.
struct Parts {
    Writer w;
    ValueId x = w.input("x", {1, 3, 4, 4});
    ValueId of(float constant) { return w.constant({}, {constant}); }
    ValueId mul(ValueId a, ValueId b) { return w.node("Mul", {a, b}); }
    ValueId add(ValueId a, ValueId b) { return w.node("Add", {a, b}); }
    ValueId div(ValueId a, ValueId b) { return w.node("Div", {a, b}); }
    ValueId erf() { return w.node("Erf", {div(x, of(1.41421356f))}); }
    ValueId one_plus_erf() { return add(erf(), of(1)); }
    ValueId clip(ValueId a, float lo, float hi) { return w.node("Clip", {a, of(lo), of(hi)}); }
    Outcome outcome(ValueId y, std::vector<std::string> disabled = {}) {
        w.output(y, "y");
        return optimized(w, std::move(disabled), -5, 5);
    }
};
using Spelling = std::function<ValueId(Parts&)>;

TEST(GeluFromParts, HoweverItIsNested) {
    const Spelling by_erf[] = {
        [](Parts& p) { return p.mul(p.mul(p.x, p.one_plus_erf()), p.of(0.5f)); },  // PyTorch by tracing
        [](Parts& p) { return p.mul(p.of(0.5f), p.mul(p.x, p.one_plus_erf())); },  // PyTorch by dynamo
        [](Parts& p) { return p.mul(p.mul(p.of(0.5f), p.x), p.one_plus_erf()); },  // Keras
        [](Parts& p) { return p.mul(p.x, p.mul(p.of(0.5f), p.one_plus_erf())); },
        [](Parts& p) { return p.mul(p.x, p.add(p.mul(p.erf(), p.of(0.5f)), p.of(0.5f))); },
        [](Parts& p) {
            const ValueId half = p.div(p.x, p.of(2));
            return p.add(half, p.mul(half, p.w.node("Erf", {p.mul(p.of(0.70710678f), p.x)})));
        },
    };
    for (const Spelling& spelling : by_erf) {
        Parts parts;
        const Outcome outcome = parts.outcome(spelling(parts));
        EXPECT_THAT(outcome.ops, ElementsAre("Gelu"));
        EXPECT_GE(outcome.only("Gelu").sources.size(), 5u);
    }
}

TEST(GeluFromParts, ByTanhHoweverItsCubeIsSpelled) {
    const auto whole = [](Parts& p, ValueId argument) {
        return p.mul(p.mul(p.of(0.5f), p.x), p.add(p.of(1), p.w.node("Tanh", {argument})));
    };
    const Spelling by_tanh[] = {
        [&](Parts& p) {
            const ValueId cube = p.w.node("Pow", {p.x, p.of(3)});
            return whole(p, p.mul(p.of(0.79788456f), p.add(p.x, p.mul(p.of(0.044715f), cube))));
        },
        [&](Parts& p) {
            const ValueId cube = p.mul(p.mul(p.x, p.x), p.x);
            return whole(p, p.mul(p.add(p.x, p.mul(cube, p.of(0.044715f))), p.of(0.7978845608f)));
        },
        [&](Parts& p) {
            const ValueId inner = p.add(p.of(1), p.mul(p.mul(p.of(0.044715f), p.x), p.x));
            return whole(p, p.mul(p.mul(p.x, p.of(0.79788456f)), inner));
        },
    };
    for (const Spelling& spelling : by_tanh) {
        Parts parts;
        const Outcome outcome = parts.outcome(spelling(parts));
        ASSERT_THAT(outcome.ops, ElementsAre("Gelu"));
        EXPECT_EQ(std::get<std::string>(outcome.only("Gelu").attributes.at("approximate")), "tanh");
    }
}

TEST(GeluFromParts, LeavesOtherNumbersAndOtherMaps) {
    const Spelling others[] = {
        [](Parts& p) { return p.mul(p.mul(p.x, p.one_plus_erf()), p.of(0.25f)); },
        [](Parts& p) { return p.mul(p.mul(p.x, p.add(p.erf(), p.of(2))), p.of(0.5f)); },
        [](Parts& p) { return p.mul(p.mul(p.x, p.w.node("Erf", {p.x})), p.of(0.5f)); },
        [](Parts& p) { return p.mul(p.mul(p.w.input("z", {1, 3, 4, 4}), p.one_plus_erf()), p.of(0.5f)); },
    };
    for (const Spelling& spelling : others) {
        Parts parts;
        EXPECT_EQ(parts.outcome(spelling(parts)).applied("gelu_from_parts"), 0);
    }
}

TEST(HardSwishFromParts, HoweverItIsNested) {
    const auto gate = [](Parts& p) { return p.clip(p.add(p.x, p.of(3)), 0, 6); };
    const Spelling spellings[] = {
        [&](Parts& p) { return p.mul(p.x, p.div(gate(p), p.of(6))); },
        [&](Parts& p) { return p.div(p.mul(p.x, gate(p)), p.of(6)); },
        [&](Parts& p) { return p.mul(p.mul(p.of(1.0f / 6), gate(p)), p.x); },
        [](Parts& p) { return p.mul(p.x, p.w.node("HardSigmoid", {p.x}, {{"alpha", 1.0f / 6}, {"beta", 0.5f}})); },
    };
    for (const Spelling& spelling : spellings) {
        Parts parts;
        EXPECT_THAT(parts.outcome(spelling(parts)).ops, ElementsAre("HardSwish"));
    }
}

TEST(HardSwishFromParts, LeavesOtherGates) {
    const Spelling others[] = {
        [](Parts& p) { return p.mul(p.x, p.clip(p.add(p.x, p.of(3)), 0, 6)); },
        [](Parts& p) { return p.div(p.mul(p.x, p.clip(p.add(p.x, p.of(2)), 0, 6)), p.of(6)); },
        [](Parts& p) { return p.div(p.mul(p.x, p.clip(p.add(p.x, p.of(3)), 0, 5)), p.of(6)); },
        [](Parts& p) { return p.mul(p.x, p.w.node("HardSigmoid", {p.x}, {{"alpha", 0.2f}, {"beta", 0.5f}})); },
        [](Parts& p) { return p.div(p.mul(p.w.input("z", {1, 3, 4, 4}), p.clip(p.add(p.x, p.of(3)), 0, 6)), p.of(6)); },
    };
    for (const Spelling& spelling : others) {
        Parts parts;
        EXPECT_EQ(parts.outcome(spelling(parts)).applied("hard_swish_from_parts"), 0);
    }
}

/// As PyTorch exports it below opset 17, over axes -1 or -2 and -1 of [2, 5, 8].
struct NormParts {
    Writer w;
    ValueId x = w.input("x", {2, 5, 8});
    std::vector<int64_t> axes{-1};
    ValueId mean(ValueId of) { return w.node("ReduceMean", {of, w.ints(axes)}); }
    ValueId centred() { return w.node("Sub", {x, mean(x)}); }
    ValueId normalized(ValueId d, ValueId square) {
        const ValueId variance = w.node("Add", {mean(square), w.constant({}, {1e-5F})});
        return w.node("Div", {d, w.node("Sqrt", {variance})});
    }
    ValueId normalized() {
        const ValueId d = centred();
        return normalized(d, w.node("Pow", {d, w.constant({}, {2})}));
    }
};

TEST(LayerNormFromParts, WithItsFactorsAndSummandsAndWithout) {
    for (const std::vector<int64_t>& axes : {std::vector<int64_t>{-1}, std::vector<int64_t>{1, 2}}) {
        const Dims dims = axes.size() == 1 ? Dims{8} : Dims{5, 8};
        NormParts p;
        p.axes = axes;
        p.w.output(p.w.node("Add", {p.w.node("Mul", {p.normalized(), p.w.weights(dims)}), p.w.weights(dims)}), "y");
        const Outcome outcome = optimized(p.w);
        EXPECT_THAT(outcome.ops, ElementsAre("LayerNormalization"));
        EXPECT_GE(outcome.only("LayerNormalization").sources.size(), 9U);
    }
    NormParts p;
    const ValueId d = p.centred();
    p.w.output(p.normalized(d, p.w.node("Mul", {d, d})), "y");
    EXPECT_THAT(optimized(p.w).ops, ElementsAre("LayerNormalization"));
}

TEST(LayerNormFromParts, LeavesOtherMeans) {
    NormParts first;  // over an axis in the middle
    first.axes = {1};
    first.w.output(first.normalized(), "y");
    EXPECT_EQ(optimized(first.w).applied("layer_norm_from_parts"), 0);
    NormParts second;  // the square of something else
    second.w.output(second.normalized(second.centred(), second.w.node("Mul", {second.x, second.x})), "y");
    EXPECT_EQ(optimized(second.w).applied("layer_norm_from_parts"), 0);
}

ValueId softplus_above(Parts& p, float threshold) {
    const ValueId greater = p.w.node("Greater", {p.x, p.of(threshold)});
    return p.w.node("Where", {greater, p.x, p.w.node("Softplus", {p.x})});
}

TEST(SoftplusFromParts, WithPyTorchsThresholdAndByItsFormula) {
    const Spelling spellings[] = {
        [](Parts& p) { return softplus_above(p, 20); },
        [](Parts& p) { return p.w.node("Log", {p.add(p.of(1), p.w.node("Exp", {p.x}))}); },
        [](Parts& p) { return p.w.node("Log", {p.add(p.w.node("Exp", {p.x}), p.of(1))}); },
    };
    for (const Spelling& spelling : spellings) {
        Parts parts;
        const Outcome outcome = parts.outcome(spelling(parts));
        EXPECT_THAT(outcome.ops, ElementsAre("Softplus"));
        EXPECT_GE(outcome.only("Softplus").sources.size(), 3u);
    }
}

TEST(SoftplusFromParts, DeclinesALowThresholdAndLeavesOtherSums) {
    Parts low;
    EXPECT_THAT(low.outcome(softplus_above(low, 2)).reasons("softplus_from_parts"),
                ElementsAre("its threshold is so low that it makes a step"));
    Parts two;
    const Outcome sum_with_two = two.outcome(two.w.node("Log", {two.add(two.w.node("Exp", {two.x}), two.of(2))}));
    EXPECT_EQ(sum_with_two.applied("softplus_from_parts"), 0);
}

TEST(PReluToRelu, OneSlopeAChannel) {
    for (const float largest : {1.0f, 2.0f}) {  // above 1 the sign of what is added turns
        Writer w;
        const ValueId x = w.node("Conv", {w.input("x", {2, 3, 6, 6}), w.weights({8, 3, 3, 3}), w.weights({8})});
        w.output(w.node("PRelu", {x, w.weights({8, 1, 1}, -0.5f, largest)}), "y");
        const Outcome outcome = optimized(w);
        EXPECT_EQ(std::ranges::count(outcome.ops, "PRelu"), 0);
        EXPECT_EQ(std::ranges::count(outcome.ops, "Conv"), largest > 1 ? 4 : 3);
        EXPECT_EQ(outcome.only("Add").sources.front(), "PRelu_0");
    }
}

TEST(PReluToRelu, AfterAFullyConnectedLayer) {
    Writer w;
    w.output(w.node("PRelu", {w.input("x", {2, 5}), w.weights({5}, 0, 1)}), "y");
    EXPECT_THAT(optimized(w).ops, testing::UnorderedElementsAre("Mul", "Mul", "Relu", "Add"));
}

TEST(PReluToRelu, LeavesOneSlopeForAllAndDeclinesOneForEachPixel) {
    Writer w;
    const ValueId x = w.input("x", {1, 3, 4, 4});
    w.output(w.node("PRelu", {x, w.constant({3, 1, 1}, {0.25f, 0.25f, 0.25f})}), "one");
    w.output(w.node("PRelu", {x, w.weights({3, 4, 4}, 0, 1)}), "each");
    const Outcome outcome = optimized(w);
    EXPECT_THAT(outcome.ops, ElementsAre("PRelu", "PRelu"));
    EXPECT_THAT(outcome.reasons("prelu_to_relu"), ElementsAre("it has not one constant slope a channel"));
}

TEST(AbsToLeakyRelu, OfReals) {
    Writer w;
    w.output(w.node("Abs", {w.input("x", {2, 3, 4, 5})}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("LeakyRelu"));
}

TEST(AbsToLeakyRelu, DeclinesWholeNumbers) {
    Writer w;
    const ValueId x = w.node("Cast", {w.input("x", {2, 3, 4, 5})}, {{"to", int64_t{7}}});
    w.graph.value(x).type = DataType::int64;
    w.output(w.node("Cast", {w.node("Abs", {x})}, {{"to", int64_t{1}}}), "y");
    EXPECT_THAT(optimized(w).reasons("abs_to_leaky_relu"), ElementsAre("it is not of float32"));
}

TEST(SeluToElu, ScalesGoToTheNeighbours) {
    Writer w;
    const ValueId x = w.node("Conv", {w.input("x", {1, 3, 6, 5}), w.weights({4, 3, 1, 1})});
    const ValueId selu = w.node("Conv", {w.node("Selu", {x}), w.weights({4, 4, 1, 1})});
    const ValueId celu = w.node("Celu", {selu}, {{"alpha", 0.5F}});
    w.output(w.node("Conv", {celu, w.weights({4, 4, 1, 1})}), "y");
    const Outcome outcome = optimized(w);
    EXPECT_EQ(outcome.applied("selu_to_elu"), 2);
    EXPECT_THAT(outcome.ops, ElementsAre("Conv", "Elu", "Conv", "Elu", "Conv"));
}

TEST(SeluToElu, ACeluOfAlphaOneIsAnElu) {
    Writer w;
    w.output(w.node("Celu", {w.input("x", {1, 3, 6, 5})}), "y");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Elu"));
}

TEST(SeluToElu, DeclinesACeluWhoseAlphaFloat32CannotScaleBy) {
    for (const float alpha : {-0.5F, 1e-38F, 3e38F}) {
        Writer w;
        w.output(w.node("Celu", {w.input("x", {1, 3, 6, 5})}, {{"alpha", alpha}}), "y");
        EXPECT_THAT(optimized(w).reasons("selu_to_elu"), ElementsAre("its alpha is not between 1e-6 and 1e6")) << alpha;
    }
}

}  // namespace
}  // namespace calotype::optimize::tests
