// f(x) => the nodes of the model-local function f, for every call outside subgraphs
// Exact: this is what ONNX says a call means. Left to ONNX Runtime are functions of another opset than the model's, and
// those that hold subgraphs, whose names stand in bytes. check_expansion has refused endless ones.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "base/elements.hpp"
#include "onnx/fields.hpp"
#include "onnx/read_parts.hpp"
#include "onnx/unused_names.hpp"

namespace calotype::onnx {
namespace {

/// Domain, operator, overload.
using Name = std::tuple<std::string, std::string, std::string>;

struct BodyNode {
    NamedNode node;
    std::map<std::string, std::string> referred;  ///< attributes that are the call's: own name -> the call's
};

struct Function {
    std::vector<std::string> inputs, outputs;
    std::vector<BodyNode> nodes;
    std::map<std::string, graph::Attribute> defaults;
    std::map<std::string, int64_t> opsets;
};

int64_t bytes_of(const graph::Attribute& attribute) {
    struct Count {
        size_t operator()(const Tensor& tensor) const { return static_cast<size_t>(content_bytes(tensor)); }
        size_t operator()(const graph::OpaqueGraph& body) const { return body.bytes.size(); }
        size_t operator()(const std::string& text) const { return text.size(); }
        size_t operator()(const std::vector<int64_t>& values) const { return 8 * values.size(); }
        size_t operator()(const std::vector<float>& values) const { return 4 * values.size(); }
        size_t operator()(const std::vector<std::string>& texts) const {
            size_t bytes = 0;
            for (const std::string& text : texts) bytes += text.size();
            return bytes;
        }
        size_t operator()(int64_t) const { return 8; }
        size_t operator()(float) const { return 4; }
    };
    return static_cast<int64_t>(std::visit(Count{}, attribute));
}

/// Its names and attributes: a short call may make long ones many times over.
int64_t bytes_of(const NamedNode& one) {
    auto bytes = static_cast<int64_t>(one.node.name.size());
    for (const auto* names : {&one.inputs, &one.outputs})
        for (const std::string& name : *names) bytes += static_cast<int64_t>(name.size());
    for (const auto& [name, attribute] : one.node.attributes) bytes += bytes_of(attribute);
    return bytes;
}

std::pair<Name, Function> read_function(Message message, const Origin& origin) {
    Name name;
    Function function;
    while (message.next()) {
        switch (message.tag()) {
            case field::function::domain: std::get<0>(name) = message.text(); break;
            case field::function::name: std::get<1>(name) = message.text(); break;
            case field::function::overload: std::get<2>(name) = message.text(); break;
            case field::function::input: function.inputs.push_back(message.text()); break;
            case field::function::output: function.outputs.push_back(message.text()); break;
            case field::function::opset_import:
                read_opset(message.message("OperatorSetIdProto"), function.opsets);
                break;
            case field::function::attribute_proto: {
                auto [attribute, value] = read_attribute(message.message("AttributeProto"), origin);
                function.defaults.emplace(std::move(attribute), std::move(value));
                break;
            }
            case field::function::node: {
                BodyNode one;
                one.node = read_node(message.message("NodeProto"), origin, &one.referred);
                function.nodes.push_back(std::move(one));
                break;
            }
            default: message.skip();
        }
        if (std::max(function.inputs.size(), function.outputs.size()) > kMostPorts)
            broken("a function", fmt::format("it has more than {} inputs or outputs", kMostPorts));
    }
    return {std::move(name), std::move(function)};
}

bool can_stand_outside(const Function& function, const Model& model) {
    for (const BodyNode& one : function.nodes)
        if (graph::has_subgraph(one.node.node)) return false;
    for (const auto& [domain, version] : function.opsets) {
        const auto known = model.opsets.find(domain);
        if (known == model.opsets.end() ? domain.empty() : known->second != version) return false;
    }
    return true;
}

class Expander {
  public:
    Expander(Model& model, const Origin& origin) : model_(model), origin_(origin) {
        Message message(std::as_bytes(std::span(model.local_functions)), "ModelProto");
        while (message.next()) {
            auto [name, function] = read_function(message.message("FunctionProto"), origin);
            if (std::get<0>(name) == "ai.onnx") std::get<0>(name).clear();
            if (can_stand_outside(function, model))
                functions_.emplace(std::move(name), std::move(function));
            else
                all_expanded_ = false;
        }
        for (const ValueInfo& input : model.inputs) names_.use(input.name);
        for (const NamedTensor& tensor : model.initializers) names_.use(tensor.name);
        for (const NamedNode& node : model.nodes)
            for (const std::string& output : node.outputs) names_.use(output);
    }

    void run() {
        std::vector<NamedNode> nodes = std::exchange(model_.nodes, {});
        for (NamedNode& node : nodes) add(std::move(node));
        if (all_expanded_) model_.local_functions.clear();
    }

  private:
    void add(NamedNode node) {
        origin_.deadline.check();
        const auto found = functions_.find({node.node.domain, node.node.op, node.overload});
        if (found != functions_.end()) return call(found->second, node);
        all_expanded_ = all_expanded_ && !graph::has_subgraph(node.node);  // calls may stand in it
        model_.nodes.push_back(std::move(node));
    }

    void call(const Function& function, const NamedNode& call) {
        for (const auto& [domain, version] : function.opsets) model_.opsets.emplace(domain, version);
        const std::string prefix = call.node.name.empty() ? call.node.op : call.node.name;
        std::map<std::string, std::string> outside{{"", ""}};  // names of the body in the model
        for (size_t i = 0; i < function.inputs.size(); ++i)
            outside.emplace(function.inputs[i], i < call.inputs.size() ? call.inputs[i] : "");
        std::vector<std::pair<std::string, std::string>> handed_on;  // what a node makes of it already has a name
        const std::set<std::string> made = made_by(function);
        for (size_t i = 0; i < std::min(function.outputs.size(), call.outputs.size()); ++i) {
            const std::string &inner = function.outputs[i], &outer = call.outputs[i];
            if (!outer.empty() && !(made.contains(inner) && outside.emplace(inner, outer).second))
                handed_on.emplace_back(inner, outer);
        }
        const auto place_of = [&](const std::string& name) -> const std::string& {
            const auto [place, first] = outside.try_emplace(name);
            if (first) place->second = names_.unused(fmt::format("{}/{}", prefix, name));
            return place->second;
        };
        for (const BodyNode& one : function.nodes) {
            NamedNode copy = one.node;
            copy.node.name = fmt::format("{}/{}", prefix, copy.node.name.empty() ? copy.node.op : copy.node.name);
            for (auto* list : {&copy.inputs, &copy.outputs})
                for (std::string& name : *list) name = place_of(name);
            for (const auto& [own, referred] : one.referred) give(copy.node, own, referred, call.node, function);
            count(copy, call.node);
            add(std::move(copy));
        }
        for (const auto& [inner, outer] : handed_on) {
            NamedNode identity{{}, {place_of(inner)}, {outer}, {}};
            identity.node.name = fmt::format("{}/output", prefix);
            identity.node.op = "Identity";
            model_.nodes.push_back(std::move(identity));
        }
    }

    void count(const NamedNode& copy, const graph::Node& call) {
        copied_bytes_ += bytes_of(copy);
        if (copied_bytes_ > origin_.limits.folded_bytes + static_cast<int64_t>(model_.local_functions.size()))
            beyond(&Limits::folded_bytes, subject_of(call),
                   fmt::format("the names and constants of the functions have {} bytes once these are written out, at "
                               "most {} beyond the file's own are allowed",
                               copied_bytes_, origin_.limits.folded_bytes));
    }

    static std::set<std::string> made_by(const Function& function) {
        std::set<std::string> made;
        for (const BodyNode& one : function.nodes) made.insert(one.node.outputs.begin(), one.node.outputs.end());
        return made;
    }

    /// The call's attribute, else the function's default, else none.
    static void give(graph::Node& node, const std::string& own, const std::string& referred, const graph::Node& call,
                     const Function& function) {
        for (const auto* attributes : {&call.attributes, &function.defaults}) {
            if (const auto found = attributes->find(referred); found != attributes->end()) {
                node.attributes[own] = found->second;
                return;
            }
        }
    }

    Model& model_;
    const Origin& origin_;
    std::map<Name, Function> functions_;
    UnusedNames names_;  // of values
    int64_t copied_bytes_ = 0;
    bool all_expanded_ = true;
};

}  // namespace

void expand_functions(Model& model, const Origin& origin) {
    if (!model.local_functions.empty()) Expander(model, origin).run();
    for (const NamedNode& one : model.nodes)
        if (!one.overload.empty())
            broken(subject_of(one.node),
                   "it calls an overload of a function that cannot be written out: it is of another "
                   "opset than the model, or holds subgraphs");
}

}  // namespace calotype::onnx
