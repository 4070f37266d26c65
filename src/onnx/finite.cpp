#include "onnx/finite.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string_view>

#include "base/error.hpp"
#include "onnx/read_parts.hpp"

namespace calotype::onnx {
namespace {

using graph::Graph;
using graph::Node;
using graph::ValueId;

/// Operators whose inputs from `first` on are multiplied with, added to a product, or divided by.
struct Factor {
    std::string_view op;
    size_t first;
};
constexpr std::array kFactors = {
    Factor{"BatchNormalization", 1},
    Factor{"Conv", 1},
    Factor{"ConvTranspose", 1},
    Factor{"DequantizeLinear", 1},
    Factor{"Div", 0},
    Factor{"Einsum", 0},
    Factor{"GRU", 1},
    Factor{"Gemm", 0},
    Factor{"GroupNormalization", 1},
    Factor{"InstanceNormalization", 1},
    Factor{"LSTM", 1},
    Factor{"LayerNormalization", 1},
    Factor{"MatMul", 0},
    Factor{"Mul", 0},
    Factor{"PRelu", 1},
    Factor{"QLinearConv", 1},
    Factor{"QLinearMatMul", 1},
    Factor{"QuantizeLinear", 1},
    Factor{"RNN", 1},
    Factor{"Resize", 1},
    Factor{"Upsample", 1},
};

constexpr std::array<std::string_view, 10> kMovers = {"Cast",    "Concat",  "Expand",    "Flatten",   "Identity",
                                                      "Reshape", "Squeeze", "Transpose", "Unsqueeze", "Slice"};

/// Attributes that may be an open bound or a filling.
constexpr std::array<std::string_view, 4> kOpen = {"Clip", "Constant", "ConstantOfShape", "Pad"};

bool among(std::span<const std::string_view> names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

bool is_factor(const Node& node, size_t index, double value) {
    if (!node.domain.empty()) return false;
    if (node.op == "Add") return value > 0;
    const auto found = std::ranges::find(kFactors, node.op, &Factor::op);
    return found != kFactors.end() && index >= found->first;
}

/// The node that takes an infinity of `id` as a factor, if one does; through movers too.
const Node* multiplier(const Graph& graph, ValueId id, double value, std::set<ValueId>& seen) {
    for (std::vector<ValueId> open = {id}; !open.empty();) {
        const ValueId now = open.back();
        open.pop_back();
        if (!seen.insert(now).second) continue;
        for (const graph::NodeId reader : graph.readers(now)) {
            const Node& node = graph.node(reader);
            for (size_t i = 0; i < node.inputs.size(); ++i) {
                if (node.inputs[i] == now && is_factor(node, i, value)) return &node;
            }
            if (node.domain.empty() && among(kMovers, node.op) && !node.outputs.empty() &&
                node.outputs[0] != ValueId::none)
                open.push_back(node.outputs[0]);
        }
    }
    return nullptr;
}

std::string index_text(size_t element, const Dims& dims) {
    std::vector<int64_t> index(dims.size());
    auto rest = static_cast<int64_t>(element);
    for (size_t axis = dims.size(); axis-- > 0;) {
        index[axis] = rest % dims[axis];
        rest /= dims[axis];
    }
    return fmt::format("[{}]", fmt::join(index, ", "));
}

[[noreturn]] void refuse(std::string subject, std::string fact) {
    throw Error({"WEIGHT_NOT_FINITE", std::move(subject), std::move(fact), "look for the training step that diverged"});
}

template <class T>
void check(std::span<const T> values, const Graph& graph, ValueId id) {
    const graph::Value& value = graph.value(id);
    const std::string subject = fmt::format("tensor `{}`", value.name);
    std::optional<size_t> plus, minus;
    for (size_t i = 0; i < values.size(); ++i) {
        if (std::isfinite(values[i])) continue;
        if (std::isnan(values[i])) refuse(subject, fmt::format("element {} is NaN", index_text(i, *value.dims)));
        auto& first = values[i] > 0 ? plus : minus;
        if (!first) first = i;
    }
    for (const auto& [first, sign] : {std::pair{plus, 1.0}, std::pair{minus, -1.0}}) {
        if (!first) continue;
        std::set<ValueId> seen;
        if (const Node* node = multiplier(graph, id, sign, seen))
            refuse(subject, fmt::format("element {} is {}, and {} computes with it", index_text(*first, *value.dims),
                                        sign > 0 ? "inf" : "-inf", subject_of(*node)));
    }
}

void check_constant(const Graph& graph, ValueId id) {
    const Tensor& tensor = *graph.value(id).constant;
    if (tensor.type() == DataType::float32)
        check(tensor.values<float>(), graph, id);
    else if (tensor.type() == DataType::float64)
        check(tensor.values<double>(), graph, id);
    else if (tensor.type() == DataType::float16 || tensor.type() == DataType::bfloat16)
        check(std::span<const float>(to_floats(tensor)), graph, id);
}

void check_attribute(const Node& node, const std::string& name, std::span<const float> values) {
    for (const float value : values) {
        if (std::isfinite(value) || (std::isinf(value) && among(kOpen, node.op))) continue;
        refuse(subject_of(node), fmt::format("its attribute `{}` is {}", name, value));
    }
}

}  // namespace

void refuse_not_finite(const Graph& graph) {
    for (const ValueId id : graph.values()) {
        if (graph.is_constant(id)) check_constant(graph, id);
    }
    for (const graph::NodeId id : graph.nodes()) {
        const Node& node = graph.node(id);
        if (!node.domain.empty()) continue;  // ai.onnx.ml's TreeEnsemble parts its sets by NaN
        for (const auto& [name, attribute] : node.attributes) {
            if (const auto* one = std::get_if<float>(&attribute)) check_attribute(node, name, std::span(one, 1));
            if (const auto* many = std::get_if<std::vector<float>>(&attribute)) check_attribute(node, name, *many);
            if (const auto* tensor = std::get_if<Tensor>(&attribute); tensor && tensor->type() == DataType::float32)
                check_attribute(node, name, tensor->values<float>());
        }
    }
}

}  // namespace calotype::onnx
