// integer_product_to_reals, qoperator_to_qdq, cast_to_dequantize, merge_equal_dequantize, move_reals, remove_repeated_quantize
#include <gmock/gmock.h>

#include "optimize/fixture.hpp"
#include "optimize/rewrite.hpp"

namespace calotype::optimize::tests {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// Powers of two: sums and products are exact, so that codes cannot differ by the order of rounding.
constexpr float kScale = 0x1p-5F;

struct Quantizer {
    Writer& w;

    ValueId code(uint8_t zero_point) {
        return w.graph.add_constant(w.graph.unused_value_name("zero_point"),
                                    Tensor::of<uint8_t>({}, std::span<const uint8_t>(&zero_point, 1)));
    }
    ValueId codes(Dims dims) {  // 100 to 155
        std::vector<uint8_t> contents(static_cast<size_t>(element_count(dims)));
        for (size_t i = 0; i < contents.size(); ++i) contents[i] = static_cast<uint8_t>(100 + i * 37 % 56);
        return w.graph.add_constant(w.graph.unused_value_name("codes"),
                                    Tensor::of<uint8_t>(std::move(dims), std::span<const uint8_t>(contents)));
    }
    std::vector<ValueId> scale(float scale = kScale) { return {w.constant({}, {scale}), code(128)}; }

    ValueId quantize(ValueId x, float to = kScale) {
        const auto s = scale(to);
        return w.node("QuantizeLinear", {x, s[0], s[1]});
    }
    ValueId dequantize(ValueId q, float from = kScale) {
        const auto s = scale(from);
        return w.node("DequantizeLinear", {q, s[0], s[1]});
    }
    /// An operator on codes: the inputs, each behind its scale and zero point, and the output's.
    ValueId on_codes(const std::string& op, const std::string& domain, const std::vector<ValueId>& inputs,
                     Attributes attributes = {}) {
        std::vector<ValueId> all;
        for (const ValueId input : inputs) {
            const auto s = scale();
            all.insert(all.end(), {input, s[0], s[1]});
        }
        const auto s = scale(0.25F);
        all.insert(all.end(), s.begin(), s.end());
        const ValueId y = w.node(op, all, std::move(attributes));
        w.graph.node(w.graph.producer(y)).domain = domain;
        if (!domain.empty()) w.graph.other_opsets[domain] = 1;
        return y;
    }
};

/// What ONNX Runtime's dynamic quantization makes of MatMul or Conv: `scales` of the weights are one or one a column.
/// x is joined with the ends of its grid, so that each run finds the scale 2^-5 and rounds nothing.
struct Dynamic {
    Writer& w;
    std::vector<ValueId> quantized{};

    void quantize(Dims dims, Dims ends) {
        Quantizer q{w};
        std::vector<float> contents(static_cast<size_t>(element_count(ends)), -128 * kScale);
        contents.front() = 127 * kScale;
        const ValueId x = q.dequantize(q.quantize(w.input("x", std::move(dims))));
        const ValueId joined = w.node("Concat", {x, w.constant(std::move(ends), contents)}, {{"axis", int64_t{0}}});
        graph::Node node;
        node.name = "dynamic";
        node.op = "DynamicQuantizeLinear";
        node.inputs = {joined};
        for (const char* name : {"q", "q_scale", "q_zero"}) node.outputs.push_back(w.graph.add_value(name));
        quantized = node.outputs;
        w.graph.add_node(std::move(node));
    }
    ValueId product(const std::string& op, Dims weights, ValueId scales, ValueId zero) {
        Quantizer q{w};
        const ValueId sum = w.node(op, {quantized[0], q.codes(std::move(weights)), quantized[2], zero});
        return w.node("Mul", {w.node("Cast", {sum}, {{"to", int64_t{1}}}), w.node("Mul", {quantized[1], scales})});
    }
};

TEST(IntegerProductToReals, MatrixProductsOfOneInput) {
    Writer w;
    Dynamic d{w};
    d.quantize({2, 12}, {1, 12});
    w.output(d.product("MatMulInteger", {12, 3}, w.constant({}, {kScale}), Quantizer{w}.code(128)), "y");
    w.output(d.product("MatMulInteger", {12, 3}, w.constant({3}, {kScale, 1, 2}), ValueId::none), "z");
    const Outcome outcome = optimized(w);
    EXPECT_EQ(outcome.applied("integer_product_to_reals"), 2);
    EXPECT_THAT(outcome.ops, testing::Not(Contains("DynamicQuantizeLinear")));
    EXPECT_EQ(std::ranges::count(outcome.ops, "Gemm"), 2);
}

TEST(IntegerProductToReals, AConvolution) {
    Writer w;
    Dynamic d{w};
    d.quantize({1, 3, 8, 8}, {1, 3, 8, 8});
    w.output(d.product("ConvInteger", {4, 3, 3, 3}, w.constant({1}, {kScale}), Quantizer{w}.code(128)), "y");
    EXPECT_THAT(optimized(w).ops, UnorderedElementsAre("QuantizeLinear", "DequantizeLinear", "Concat", "Conv"));
}

TEST(IntegerProductToReals, DeclinesWhatIsNotBroughtBack) {
    Writer w;
    Dynamic d{w};
    d.quantize({2, 12}, {1, 12});
    const ValueId y = d.product("MatMulInteger", {12, 3}, w.constant({}, {kScale}), ValueId::none);
    const auto cast = w.graph.producer(w.graph.input(w.graph.producer(y), 0));
    w.output(y, "y");
    w.output(w.node("Abs", {w.graph.output(cast)}), "z");  // another reader of the sums
    EXPECT_THAT(optimized(w).reasons("integer_product_to_reals"),
                ElementsAre("the product is not brought back to reals"));
}

TEST(QoperatorToQdq, ConvolutionAndAdd) {
    Writer w;
    Quantizer q{w};
    const ValueId x = q.quantize(w.input("x", {1, 3, 8, 8}));
    const ValueId y = q.on_codes("QLinearConv", "", {x, q.codes({4, 3, 3, 3})});
    const ValueId z = q.on_codes("QLinearConv", "", {x, q.codes({4, 3, 3, 3})});
    w.output(q.dequantize(q.on_codes("QLinearAdd", "com.microsoft", {y, z}), 0.25F), "out");
    const Outcome outcome = optimized(w);
    EXPECT_EQ(outcome.applied("qoperator_to_qdq"), 3);
    EXPECT_THAT(outcome.ops, UnorderedElementsAre("QuantizeLinear", "DequantizeLinear", "Conv", "QuantizeLinear",
                                                  "DequantizeLinear", "Conv", "QuantizeLinear", "DequantizeLinear",
                                                  "Add", "QuantizeLinear", "DequantizeLinear"));
}

TEST(QoperatorToQdq, MatrixProduct) {
    Writer w;
    Quantizer q{w};
    const ValueId x = q.quantize(w.input("x", {2, 12}));
    w.output(q.dequantize(q.on_codes("QLinearMatMul", "", {x, q.codes({12, 4})}), 0.25F), "out");
    EXPECT_THAT(optimized(w).ops,
                ElementsAre("QuantizeLinear", "DequantizeLinear", "Gemm", "QuantizeLinear", "DequantizeLinear"));
}

TEST(QoperatorToQdq, DeclinesScalesOfFloat16) {
    Writer w;
    Quantizer q{w};
    const auto scale = [&] {  // 2^-5
        return w.graph.add_constant(w.graph.unused_value_name("scale"),
                                    Tensor(DataType::float16, {}, {std::byte{0}, std::byte{0x28}}));
    };
    const ValueId x = q.quantize(w.input("x", {2, 12})), zero = q.code(128);
    const ValueId y = w.node("QLinearMatMul", {x, scale(), zero, q.codes({12, 4}), scale(), zero, scale(), zero});
    w.output(q.dequantize(y), "out");
    EXPECT_THAT(optimized(w).reasons("qoperator_to_qdq"), ElementsAre("its scales are not float32"));
}

TEST(QoperatorToQdq, DeclinesABiasOfAComputedScaleAndLeavesTheGraph) {
    Writer w;
    Quantizer q{w};
    const ValueId x = q.quantize(w.input("x", {1, 3, 8, 8})), scale = w.input("scale", {}), zero = q.code(128);
    const std::vector<int32_t> contents{1, 2, 3, 4};
    const ValueId bias = w.graph.add_constant("bias", Tensor::of<int32_t>({4}, std::span<const int32_t>(contents)));
    const ValueId y = w.node("QLinearConv", {x, scale, zero, q.codes({4, 3, 3, 3}), w.constant({}, {kScale}), zero,
                                             w.constant({}, {0.25F}), zero, bias});
    w.graph.value(y).dims = Dims{1, 4, 6, 6};
    const size_t nodes = w.graph.nodes().size();
    EXPECT_EQ(qoperator_to_qdq(w.graph, w.graph.producer(y)).reason(), "a scale is computed at run time");
    EXPECT_EQ(w.graph.nodes().size(), nodes);
}

TEST(QoperatorToQdq, DeclinesChannelsThatAreLast) {
    Writer w;
    Quantizer q{w};
    const ValueId x = q.quantize(w.input("x", {1, 8, 8, 3}));
    const ValueId pooled =
        q.on_codes("QLinearGlobalAveragePool", "com.microsoft", {x}, {{"channels_last", int64_t{1}}});
    w.output(q.dequantize(pooled, 0.25F), "out");
    EXPECT_THAT(optimized(w).reasons("qoperator_to_qdq"), ElementsAre("its channels are last"));
}

TEST(MergeEqualDequantize, OneForTwoReaders) {
    Writer w;
    Quantizer q{w};
    const ValueId codes = q.quantize(w.input("x", {1, 3, 8, 8}));
    w.output(w.node("Add", {w.node("Relu", {q.dequantize(codes)}), w.node("Sigmoid", {q.dequantize(codes)})}), "out");
    EXPECT_EQ(optimized(w).applied("merge_equal_dequantize"), 1);
}

TEST(MergeEqualDequantize, LeavesTwoScales) {
    Writer w;
    Quantizer q{w};
    const ValueId codes = q.quantize(w.input("x", {1, 3, 8, 8}));
    w.output(w.node("Add", {w.node("Relu", {q.dequantize(codes)}), w.node("Relu", {q.dequantize(codes, 1)})}), "out");
    EXPECT_EQ(optimized(w).applied("merge_equal_dequantize"), 0);
}

TEST(MoveReals, CodesThatArePooledAndJoined) {
    Writer w;
    Quantizer q{w};
    const ValueId a = q.quantize(w.input("a", {1, 4, 8, 8})), b = q.quantize(w.input("b", {1, 4, 8, 8}));
    const Attributes window{{"kernel_shape", std::vector<int64_t>{2, 2}}, {"strides", std::vector<int64_t>{2, 2}}};
    const ValueId joined =
        w.node("Concat", {w.node("MaxPool", {a}, window), w.node("MaxPool", {b}, window)}, {{"axis", int64_t{1}}});
    w.output(q.dequantize(joined), "out");
    EXPECT_THAT(optimized(w).ops, ElementsAre("QuantizeLinear", "QuantizeLinear", "DequantizeLinear", "MaxPool",
                                              "DequantizeLinear", "MaxPool", "Concat"));
}

TEST(MoveReals, DeclinesCodesThatOthersRead) {
    Writer w;
    Quantizer q{w};
    const ValueId moved =
        w.node("MaxPool", {q.quantize(w.input("x", {1, 3, 4, 4}))}, {{"kernel_shape", std::vector<int64_t>{2, 2}}});
    w.output(q.dequantize(moved), "out");
    w.output(q.dequantize(moved, 1), "other");
    EXPECT_THAT(optimized(w).reasons("move_reals"), Contains("another reader needs the codes"));
}

TEST(MoveReals, PadOfZeroPoints) {
    Writer w;
    Quantizer q{w};
    const ValueId codes = q.quantize(w.input("x", {1, 3, 4, 4}));
    const ValueId pads = w.ints({0, 0, 1, 1, 0, 0, 1, 1});
    w.output(q.dequantize(w.node("Pad", {codes, pads, q.code(128)})), "zeros");
    EXPECT_THAT(optimized(w).ops, ElementsAre("QuantizeLinear", "DequantizeLinear", "Pad"));
    w.output(q.dequantize(w.node("Pad", {codes, pads, q.code(127)})), "others");
    EXPECT_THAT(optimized(w).ops,
                UnorderedElementsAre("QuantizeLinear", "DequantizeLinear", "Pad", "Pad", "DequantizeLinear"));
}

TEST(RemoveRepeatedQuantize, BehindAPool) {
    Writer w;
    Quantizer q{w};
    const ValueId x = w.node("Relu", {q.dequantize(q.quantize(w.input("x", {1, 4, 8, 8})))});
    w.output(q.dequantize(q.quantize(w.node("GlobalMaxPool", {x}))), "out");
    EXPECT_THAT(optimized(w).ops, ElementsAre("QuantizeLinear", "DequantizeLinear", "Relu", "GlobalMaxPool"));
}

TEST(RemoveRepeatedQuantize, BehindAPadOfZeros) {
    Writer w;
    Quantizer q{w};
    const ValueId x = q.dequantize(q.quantize(w.input("x", {1, 3, 8, 8})));
    const ValueId padded = w.node("Pad", {x, w.ints({0, 0, 1, 1, 0, 0, 1, 1})});
    w.output(w.node("Conv", {q.dequantize(q.quantize(padded)), w.weights({4, 3, 3, 3})}), "out");
    EXPECT_THAT(optimized(w).ops, ElementsAre("QuantizeLinear", "DequantizeLinear", "Conv"));
}

TEST(RemoveRepeatedQuantize, LeavesAnotherScaleAndSums) {
    Writer w;
    Quantizer q{w};
    const ValueId x = q.dequantize(q.quantize(w.input("x", {1, 4, 8, 8})));
    w.output(q.dequantize(q.quantize(w.node("GlobalMaxPool", {x}), 1), 1), "max");
    w.output(q.dequantize(q.quantize(w.node("GlobalAveragePool", {x}))), "average");
    const ValueId odd = w.constant({}, {0.1F});  // no code means it
    w.output(q.dequantize(q.quantize(w.node("Pad", {x, w.ints({0, 0, 1, 1, 0, 0, 1, 1}), odd}))), "padded");
    EXPECT_EQ(optimized(w).applied("remove_repeated_quantize"), 0);
}

TEST(SinkTranspose, PassesScales) {
    Writer w;
    Quantizer q{w};
    const ValueId map = w.node("Conv", {w.input("x", {1, 3, 8, 8}), w.weights({4, 3, 3, 3})});
    const ValueId last = w.node("Transpose", {map}, {{"perm", std::vector<int64_t>{0, 2, 3, 1}}});
    const ValueId back =
        w.node("Transpose", {q.dequantize(q.quantize(last))}, {{"perm", std::vector<int64_t>{0, 3, 1, 2}}});
    w.output(w.node("Conv", {back, w.weights({4, 4, 3, 3})}), "out");
    EXPECT_THAT(optimized(w).ops, ElementsAre("Conv", "QuantizeLinear", "DequantizeLinear", "Conv"));
}

constexpr int64_t kFloat = 1;

TEST(CastToDequantize, APictureOfBytesThatTheNetworkTurnsAndScales) {
    const std::vector<int64_t> to_nchw{0, 3, 1, 2};
    for (const bool cast_first : {true, false}) {
        Writer w;
        ValueId x = w.input("x", {1, 6, 5, 3}, DataType::uint8);
        if (cast_first) {
            x = w.node("Cast", {x}, {{"to", kFloat}});
            x = w.node("Div", {w.node("Sub", {x, w.weights({3})}), w.weights({3}, 1, 2)});
            x = w.node("Transpose", {x}, {{"perm", to_nchw}});
        } else {
            x = w.node("Cast", {w.node("Transpose", {x}, {{"perm", to_nchw}})}, {{"to", kFloat}});
            x = w.node("Div", {w.node("Sub", {x, w.weights({3, 1, 1})}), w.weights({3, 1, 1}, 1, 2)});
        }
        w.output(w.node("Conv", {x, w.weights({4, 3, 3, 3})}), "y");
        const Outcome outcome = optimized(w);
        EXPECT_THAT(outcome.ops, ElementsAre("DequantizeLinear", "Transpose", "Conv")) << cast_first;
    }
}

TEST(CastToDequantize, DeclinesWhatIsJoinedAndWhatIsNoInput) {
    Writer w;
    const ValueId mask = w.node("Cast", {w.input("mask", {1, 4, 5}, DataType::uint8)}, {{"to", kFloat}});
    w.output(w.node("Add", {w.input("x", {1, 4, 5}), mask}), "y");
    EXPECT_THAT(optimized(w).reasons("cast_to_dequantize"), ElementsAre("what reads it joins it with computed values"));
    Writer v;
    const ValueId codes = Quantizer{v}.quantize(v.input("x", {1, 4, 5}));
    v.output(v.node("Relu", {v.node("Cast", {codes}, {{"to", kFloat}})}), "y");
    EXPECT_THAT(optimized(v).reasons("cast_to_dequantize"), ElementsAre("its bytes are no input of the model"));
}

}  // namespace
}  // namespace calotype::optimize::tests
