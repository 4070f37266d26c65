#include "optimize/polynomial.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace calotype::optimize {
namespace {

constexpr int kLargestDegree = 3, kLargestDepth = 8;
constexpr size_t kMostParts = 24;  // a GELU by tanh has 9 nodes

constexpr std::array kArithmetic{"Mul", "Add", "Sub", "Div", "Neg", "Pow"};

bool is_arithmetic(const Graph& graph, NodeId id) {
    return std::ranges::any_of(kArithmetic, [&](const char* op) { return is_op(graph, id, op); });
}

Polynomial sum(Polynomial a, const Polynomial& b, double factor) {
    for (const auto& [term, coefficient] : b) a[term] += factor * coefficient;
    return a;
}

std::optional<Polynomial> product(const Polynomial& a, const Polynomial& b) {
    Polynomial result;
    for (const auto& [left, k] : a)
        for (const auto& [right, l] : b) {
            const std::pair term{left.first + right.first, left.second + right.second};
            if (term.first + term.second > kLargestDegree) return {};
            result[term] += k * l;
        }
    return result;
}

}  // namespace

std::optional<Polynomial> PolynomialReader::read(ValueId value) {
    if (value == x_) return Polynomial{{{1, 0}, 1}};
    if (value == gate_) return Polynomial{{{0, 1}, 1}};
    if (const auto constant = scalar(graph_, value)) return Polynomial{{{0, 0}, *constant}};
    const NodeId id = value == ValueId::none ? NodeId::none : graph_.producer(value);
    if (!is_arithmetic(graph_, id) || depth_ == kLargestDepth) return {};
    ++depth_;
    auto result = of_node(id);
    --depth_;
    if (result && std::ranges::find(nodes_, id) == nodes_.end()) nodes_.push_back(id);
    return result;
}

std::optional<Polynomial> PolynomialReader::of_node(NodeId id) {
    const std::string& op = graph_.node(id).op;
    const auto a = read(graph_.input(id, 0));
    if (!a) return {};
    if (op == "Neg") return sum({}, *a, -1);
    if (op == "Pow") return power(id);
    const auto b = read(graph_.input(id, 1));
    if (!b) return {};
    if (op == "Add") return sum(*a, *b, 1);
    if (op == "Sub") return sum(*a, *b, -1);
    if (op == "Mul") return product(*a, *b);
    const bool by_constant = b->size() == 1 && b->begin()->first == std::pair{0, 0} && b->begin()->second != 0;
    return by_constant ? std::optional(sum({}, *a, 1 / b->begin()->second)) : std::nullopt;
}

std::optional<Polynomial> PolynomialReader::power(NodeId id) {
    const auto base = read(graph_.input(id, 0));
    const auto exponent = scalar(graph_, graph_.input(id, 1));
    if (!base || !exponent || (*exponent != 2 && *exponent != 3)) return {};
    auto result = product(*base, *base);
    return result && *exponent == 3 ? product(*result, *base) : result;
}

bool alike(const Polynomial& a, const Polynomial& b) {
    return std::ranges::equal(a, b, [](const auto& left, const auto& right) {
        return left.first == right.first && std::abs(left.second - right.second) <= 1e-3 * std::abs(right.second);
    });
}

std::vector<ValueId> parts_of(const Graph& graph, ValueId y) {
    std::vector<ValueId> parts{y};
    for (size_t next = 0; next < parts.size() && parts.size() < kMostParts; ++next) {
        const NodeId id = graph.producer(parts[next]);
        if (!is_arithmetic(graph, id)) continue;
        for (const ValueId input : graph.node(id).inputs)
            if (input != ValueId::none && !graph.is_constant(input) && std::ranges::find(parts, input) == parts.end())
                parts.push_back(input);
    }
    parts.erase(parts.begin());
    return parts;
}

}  // namespace calotype::optimize
