// QLinearConv(x, w, B) => QuantizeLinear(Conv(DequantizeLinear(x), DequantizeLinear(w), DequantizeLinear(B)))
// and likewise QLinearMatMul and ONNX Runtime's QLinearAdd, QLinearConcat, QGemm, ...: one spelling of a quantized
// operator, in which scales are read off. Equal within one code: these operators round as they please.

#include <array>

#include "base/narrow.hpp"
#include "optimize/quantization_words.hpp"
#include "optimize/rewrite.hpp"

namespace calotype::optimize {
namespace {

constexpr const char* kMicrosoft = "com.microsoft";

/// A value with its scale and zero point, three inputs in a row.
struct Form {
    const char* op;
    const char* domain;
    const char* reals;     ///< the operator on reals
    size_t first;          ///< index of the first value
    size_t values;         ///< 0: as many as there are
    int64_t weights_axis;  ///< of the second value's scales, where it has several
    size_t bias;           ///< index of the INT32 bias, 0: there is none
    size_t output;         ///< index of the output's scale
};
constexpr std::array kForms{
    Form{"QLinearConv", "", "Conv", 0, 2, 0, 8, 6},
    Form{"QLinearMatMul", "", "MatMul", 0, 2, 1, 0, 6},
    Form{"QGemm", kMicrosoft, "Gemm", 0, 2, 1, 6, 7},
    Form{"QLinearAdd", kMicrosoft, "Add", 0, 2, 0, 0, 6},
    Form{"QLinearMul", kMicrosoft, "Mul", 0, 2, 0, 0, 6},
    Form{"QLinearAveragePool", kMicrosoft, "AveragePool", 0, 1, 0, 0, 3},
    Form{"QLinearGlobalAveragePool", kMicrosoft, "GlobalAveragePool", 0, 1, 0, 0, 3},
    Form{"QLinearSigmoid", kMicrosoft, "Sigmoid", 0, 1, 0, 0, 3},
    Form{"QLinearLeakyRelu", kMicrosoft, "LeakyRelu", 0, 1, 0, 0, 3},
    Form{"QLinearSoftmax", kMicrosoft, "Softmax", 0, 1, 0, 0, 3},
    Form{"QLinearConcat", kMicrosoft, "Concat", 2, 0, 0, 0, 0},
};

const Form* form_of(const graph::Node& node) {
    const auto* form =
        std::ranges::find_if(kForms, [&](const Form& one) { return node.op == one.op && node.domain == one.domain; });
    return form == kForms.end() ? nullptr : form;
}

/// Of the bias codes: the product of the input's and the weights' scales, one or one an output channel. Nothing where one
/// is computed at run time.
std::optional<std::vector<double>> bias_scales(const Graph& graph, NodeId id) {
    const auto in = scalar(graph, graph.input(id, 1));
    const auto weights = floats(graph, graph.input(id, 4));
    if (!in || !weights) return {};
    std::vector<double> product;
    for (const float scale : *weights) product.push_back(static_cast<float>(*in * scale));
    return product;
}

std::map<std::string, graph::Attribute> attributes_of(const Graph& graph, NodeId id, const Form& form) {
    auto attributes = graph.node(id).attributes;
    attributes.erase("channels_last");
    attributes.erase("opset");  // of QLinearSoftmax
    const bool any = std::string_view(form.reals) != "MatMul" && std::string_view(form.reals) != "Add";
    return any ? attributes : std::map<std::string, graph::Attribute>{};
}

}  // namespace

Rewrite qoperator_to_qdq(Graph& graph, NodeId id) {
    graph::Node& node = graph.node(id);
    if (node.domain == kMicrosoft && (node.op == "QuantizeLinear" || node.op == "DequantizeLinear")) {
        node.domain.clear();  // ONNX Runtime's of 16 bits, which ONNX has since opset 21
        return Rewrite::done();
    }
    const Form* form = form_of(node);
    if (form == nullptr) return Rewrite::no_match();
    if (graph::int_attribute(node, "channels_last", 0) != 0) return Rewrite::declined("its channels are last");
    const auto dims = known_dims(graph, graph.output(id));
    if (!dims) return Rewrite::declined("the dims are known only at run time");
    const std::vector<ValueId> given = node.inputs;
    const std::string name = node.name;
    const size_t values = form->values > 0 ? form->values : (given.size() - form->first) / 3;

    // Of a Gemm's weights [K, N] or, transposed, [N, K], the outputs have the scales.
    int64_t weights_axis = form->weights_axis;
    if (std::string_view(form->reals) == "Gemm" && graph::int_attribute(node, "transB", 0) != 0) weights_axis = 0;
    for (size_t i = 0; i < values; ++i)
        if (!is_float32(graph, given[form->first + 3 * i + 1])) return Rewrite::declined("its scales are not float32");
    const bool biased = form->bias > 0 && has_input(graph, id, form->bias);
    const auto of_bias = biased ? bias_scales(graph, id) : std::nullopt;
    if (biased && !of_bias) return Rewrite::declined("a scale is computed at run time");
    NewOp reals{form->reals, {}, attributes_of(graph, id, *form)};
    for (size_t i = 0; i < values; ++i) {
        const size_t at = form->first + 3 * i;
        reals.inputs.push_back(
            insert_dequantize(graph, id, given[at], given[at + 1], graph.input(id, at + 2), i == 1 ? weights_axis : 1));
    }
    if (biased) {
        const Dims dims = of_bias->size() > 1 ? Dims{narrow<int64_t>(of_bias->size())} : Dims{};
        const ValueId scale = add_floats(graph, name + "/bias_scale", dims, *of_bias);
        reals.inputs.push_back(insert_dequantize(graph, id, given[form->bias], scale, ValueId::none, 0));
    }
    const ValueId y = insert(graph, id, std::move(reals), DataType::float32, *dims);
    become(graph, id, {"QuantizeLinear", {y, given[form->output], graph.input(id, form->output + 1)}});
    return Rewrite::done();
}

}  // namespace calotype::optimize
