#include "observe/node_macs.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace calotype::observe {
namespace {

using graph::Node;

Dims dims_at(const std::vector<Dims>& all, size_t index) { return index < all.size() ? all[index] : Dims{}; }

/// The last but `from_end` - 1; 1 where it is free or not there.
int64_t dim_of(const Dims& dims, int64_t from_end) {
    const auto rank = static_cast<int64_t>(dims.size());
    return from_end <= rank ? std::max<int64_t>(dims[static_cast<size_t>(rank - from_end)], 1) : 1;
}

/// A pool's; what lies in the padding is not looked at.
int64_t window_of(const Node& node, const Dims& x) {
    const auto sizes = graph::ints_attribute(node, "kernel_shape");
    if (x.size() < sizes.size()) return 1;
    int64_t window = 1;
    for (size_t i = 0; i < sizes.size(); ++i) {
        const int64_t there = x[x.size() - sizes.size() + i];
        window = product(window, std::max<int64_t>(there < 0 ? sizes[i] : std::min(sizes[i], there), 1));
    }
    return window;
}

/// The operands of an Einsum's equation, "ij", "j..." and so on, and behind them what it makes.
std::vector<std::string> terms_of(const Node& node) {
    const auto attribute = node.attributes.find("equation");
    const auto* equation = attribute == node.attributes.end() ? nullptr : std::get_if<std::string>(&attribute->second);
    std::vector<std::string> terms{""};
    for (const char c : equation == nullptr ? std::string() : *equation) {
        if (c == ',' || c == '>')
            terms.emplace_back();
        else if (c != ' ' && c != '-')
            terms.back() += c;
    }
    return terms;
}

/// Letter by letter; those behind an ellipsis are of the last axes, and '.' is all that it stands for.
void take_sizes(const std::string& term, const Dims& dims, std::map<char, int64_t>& sizes) {
    const auto take = [&](char letter, int64_t size) { sizes[letter] = std::max({sizes[letter], size, int64_t{1}}); };
    const size_t before = std::min(term.find('.'), term.size());
    const size_t after = before == term.size() ? 0 : term.size() - 1 - term.rfind('.');
    for (size_t i = 0; i < dims.size(); ++i) {
        const size_t from_end = dims.size() - i;
        if (i < before)
            take(term[i], dims[i]);
        else if (from_end <= after)
            take(term[term.size() - from_end], dims[i]);
    }
    if (before == term.size() || dims.size() < before + after) return;
    take('.', elements(Dims(dims.begin() + static_cast<std::ptrdiff_t>(before),
                            dims.end() - static_cast<std::ptrdiff_t>(after))));
}

/// Operand by operand: what two share and what only one has; a letter that nobody reads after is summed away.
int64_t einsum_macs(const Node& node, const std::vector<Dims>& inputs) {
    const std::vector<std::string> terms = terms_of(node);
    const size_t operands = std::min(terms.size(), inputs.size());
    std::map<char, int64_t> sizes;
    for (size_t i = 0; i < operands; ++i) take_sizes(terms[i], inputs[i], sizes);
    int64_t macs = 0;
    std::set<char> kept;
    for (size_t i = 0; i < operands; ++i) {
        kept.insert(terms[i].begin(), terms[i].end());
        int64_t pair = 1;
        for (const char letter : kept) pair = product(pair, std::max<int64_t>(sizes[letter], 1));
        macs = sum(macs, pair);
        std::erase_if(kept, [&](char letter) {
            return std::none_of(terms.begin() + static_cast<std::ptrdiff_t>(i) + 1, terms.end(),
                                [&](const std::string& term) { return term.find(letter) != std::string::npos; });
        });
    }
    return macs;
}

bool is_one_of(std::string_view op, std::initializer_list<std::string_view> ops) {
    return std::ranges::find(ops, op) != ops.end();
}

}  // namespace

int64_t product(int64_t a, int64_t b) { return __builtin_mul_overflow(a, b, &a) ? INT64_MAX : a; }
int64_t sum(int64_t a, int64_t b) { return __builtin_add_overflow(a, b, &a) ? INT64_MAX : a; }

int64_t elements(const Dims& dims) {
    int64_t count = 1;
    for (const int64_t dim : dims) count = product(count, std::max<int64_t>(dim, dim < 0 ? 1 : 0));
    return count;
}

int64_t node_macs(const Node& node, const NodeShapes& shapes) {
    int64_t made = 0;
    for (size_t i = 0; i < node.outputs.size(); ++i)
        if (node.outputs[i] != graph::ValueId::none) made = sum(made, elements(dims_at(shapes.outputs, i)));
    const std::string& op = node.op;
    const Dims x = dims_at(shapes.inputs, 0), w = dims_at(shapes.inputs, op == "QLinearConv" ? 3 : 1);
    if (is_one_of(op, {"Conv", "ConvInteger", "QLinearConv", "DeformConv", "FusedConv"}) && !w.empty())
        return product(made, elements(w) / std::max<int64_t>(w[0], 1));
    if (op == "ConvTranspose" && !w.empty()) return product(elements(x), elements(w) / std::max<int64_t>(w[0], 1));
    if (is_one_of(op, {"MatMul", "MatMulInteger", "QLinearMatMul", "FusedMatMul", "CDist"}))
        return product(made, dim_of(x, 1));
    if (op == "Gemm") return product(made, dim_of(x, graph::int_attribute(node, "transA", 0) != 0 ? 2 : 1));
    if (op == "Einsum") return einsum_macs(node, shapes.inputs);
    if (op == "Attention") return product(made, dim_of(w, 2));  // each of the keys
    if (op == "Det" || op == "Inverse") return product(elements(x), dim_of(x, 1));
    if (op == "NonMaxSuppression")
        return product(elements(w), dim_of(w, 1));  // scores [batch, classes, boxes]: each with each
    if (op == "RNN" || op == "GRU" || op == "LSTM")
        return product(product(dim_of(x, 3), dim_of(x, 2)), sum(elements(w), elements(dims_at(shapes.inputs, 2))));
    if (op == "LRN") return product(made, std::max<int64_t>(graph::int_attribute(node, "size", 1), 1));
    if (op == "RoiAlign") {
        const int64_t ratio = std::max<int64_t>(graph::int_attribute(node, "sampling_ratio", 0), 1);
        return product(made, product(ratio, ratio));
    }
    return product(made, window_of(node, x));
}

}  // namespace calotype::observe
