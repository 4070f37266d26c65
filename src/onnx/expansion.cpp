// How many nodes a model has once every call of a model-local function is that function's nodes: ONNX Runtime writes
// them out before anything runs, and a few hundred bytes can ask for more than any machine holds.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "onnx/fields.hpp"
#include "onnx/read_parts.hpp"

namespace calotype::onnx {
namespace {

/// Domain, operator, overload: what a node calls and what a function is called.
using Name = std::tuple<std::string, std::string, std::string>;
using Calls = std::map<Name, int64_t>;

std::string text_of(const Name& name) {
    const auto& [domain, op, overload] = name;
    return fmt::format("function `{}{}{}`", domain, domain.empty() ? "" : "::", op);
}

int64_t sum(int64_t a, int64_t b) { return __builtin_add_overflow(a, b, &a) ? INT64_MAX : a; }
int64_t product(int64_t a, int64_t b) { return __builtin_mul_overflow(a, b, &a) ? INT64_MAX : a; }

void count_calls(Message message, uint32_t node_tag, Calls& calls);

/// Depth was checked with the nesting of subgraphs.
void count_node(Message node, Calls& calls) {
    Name name;
    while (node.next()) {
        switch (node.tag()) {
            case field::node::domain: std::get<0>(name) = node.text(); break;
            case field::node::op_type: std::get<1>(name) = node.text(); break;
            case field::node::overload: std::get<2>(name) = node.text(); break;
            case field::node::attribute: {
                Message attribute = node.message("AttributeProto");
                while (attribute.next()) {
                    if (attribute.tag() == field::attribute::g)
                        count_calls(attribute.message("GraphProto"), field::graph::node, calls);
                    else
                        attribute.skip();
                }
                break;
            }
            default: node.skip();
        }
    }
    ++calls[name];
}

void count_calls(Message message, uint32_t node_tag, Calls& calls) {
    while (message.next()) {
        if (message.tag() == node_tag)
            count_node(message.message("NodeProto"), calls);
        else
            message.skip();
    }
}

std::map<Name, Calls> functions_of(const std::string& bytes) {
    std::map<Name, Calls> functions;
    Message message(std::as_bytes(std::span(bytes)), "ModelProto");
    while (message.next()) {
        Message function = message.message("FunctionProto");
        Calls calls;
        count_calls(function, field::function::node, calls);
        Name name;
        while (function.next()) {
            switch (function.tag()) {
                case field::function::domain: std::get<0>(name) = function.text(); break;
                case field::function::name: std::get<1>(name) = function.text(); break;
                case field::function::overload: std::get<2>(name) = function.text(); break;
                default: function.skip();
            }
        }
        if (!functions.emplace(name, std::move(calls)).second) broken(text_of(name), "it is given twice");
    }
    return functions;
}

class Expansion {
  public:
    Expansion(const std::map<Name, Calls>& functions, const Limits& limits) : functions_(functions), limits_(limits) {}

    struct Size {
        int64_t nodes = 0, functions_deep = 0;
    };

    /// `open`: functions on the way here.
    Size size_of(const Calls& calls, int64_t open) {
        Size size;
        for (const auto& [name, times] : calls) {
            const Size one = size_of(name, open);
            size.nodes = sum(size.nodes, product(times, one.nodes));
            size.functions_deep = std::max(size.functions_deep, one.functions_deep);
        }
        return size;
    }

  private:
    Size size_of(const Name& name, int64_t open) {
        const auto function = functions_.find(name);
        if (function == functions_.end()) return {1, 0};
        const auto [known, first] = sizes_.try_emplace(name);
        if (first && open < limits_.nesting) {
            const Size body = size_of(function->second, open + 1);
            known->second = Size{body.nodes, body.functions_deep + 1};
        }
        if (!known->second && !first) broken(text_of(name), "it calls itself");
        if (!known->second || known->second->functions_deep > limits_.nesting)
            beyond(&Limits::nesting, text_of(name),
                   fmt::format("it leads through more than {} functions inside one another", limits_.nesting));
        return *known->second;
    }

    const std::map<Name, Calls>& functions_;
    const Limits& limits_;
    std::map<Name, std::optional<Size>> sizes_;  // nothing yet: being looked at
};

void add_calls(const NamedNode& one, Calls& calls) {
    ++calls[{one.node.domain, one.node.op, one.overload}];
    for (const auto& [name, attribute] : one.node.attributes) {
        if (const auto* body = std::get_if<graph::OpaqueGraph>(&attribute))
            count_calls(Message(std::as_bytes(std::span(body->bytes)), "GraphProto"), field::graph::node, calls);
    }
}

}  // namespace

void check_expansion(const Model& model, const Limits& limits) {
    if (model.local_functions.empty()) return;
    const auto functions = functions_of(model.local_functions);
    Expansion expansion(functions, limits);
    for (const auto& entry : functions) expansion.size_of({{entry.first, 1}}, 0);  // uncalled ones may call themselves
    Calls calls;
    for (const NamedNode& one : model.nodes) add_calls(one, calls);
    const int64_t nodes = expansion.size_of(calls, 0).nodes;
    if (nodes > limits.function_nodes)
        beyond(&Limits::function_nodes, "the graph",
               fmt::format("it has {}{} nodes once its functions are written out, at most {} are read",
                           nodes == INT64_MAX ? "more than " : "", nodes, limits.function_nodes));
}

}  // namespace calotype::onnx
