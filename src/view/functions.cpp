#include "view/functions.hpp"

#include "view/builder.hpp"

namespace calotype::view {
namespace {

/// The body of a function while it grows.
class Body {
  public:
    Body(const std::string& name, const std::vector<std::string>& inputs) : builder_(body_, "") {
        body_.name = name;
        for (const std::string& input : inputs) body_.inputs.push_back(body_.add_value(input));
    }
    ValueId input(size_t index) const { return body_.inputs.at(index); }
    ValueId node(const std::string& op, const std::string& value, std::vector<ValueId> inputs) {
        return builder_.node(op, value, std::move(inputs), {}, value);
    }
    ValueId plus(const std::string& value, ValueId x, float constant) {
        const ValueId added = builder_.node("Constant", value + "_half", {}, {{"value_float", constant}});
        return node("Add", value, {x, added});
    }
    graph::Function finish(ValueId y) {
        body_.outputs = {y};
        return {kDomain, body_};
    }

  private:
    graph::Graph body_;
    Builder builder_;
};

}  // namespace

graph::Function quantize_function() {
    Body body(kQuantize, {"x", "coefficient", "scale"});
    const ValueId code = body.node("Round", "code", {body.node("Mul", "in_codes", {body.input(0), body.input(1)})});
    return body.finish(body.node("Mul", "y", {code, body.input(2)}));
}

graph::Function requantize_function() {
    Body body(kRequantize, {"x", "step", "m", "scale"});
    const ValueId sum = body.node("Round", "sum", {body.node("Div", "in_steps", {body.input(0), body.input(1)})});
    const ValueId code = body.node("Round", "code", {body.node("Mul", "in_codes", {sum, body.input(2)})});
    return body.finish(body.node("Mul", "y", {code, body.input(3)}));
}

graph::Function add_function() {
    Body body(kAdd, {"a", "b", "scale_a", "scale_b", "factor_a", "factor_b", "step"});
    const auto term = [&](const std::string& name, size_t x) {
        const ValueId codes = body.node("Div", name + "_in_codes", {body.input(x), body.input(x + 2)});
        const ValueId code = body.node("Round", name + "_code", {codes});
        const ValueId scaled = body.node("Mul", name + "_scaled", {code, body.input(x + 4)});
        return body.node("Round", name + "_term", {body.plus(name + "_tie_up", scaled, 1.0F / 512)});
    };
    const ValueId a = term("a", 0), b = term("b", 1);
    const ValueId sum = body.plus("tie_up", body.node("Add", "sum", {a, b}), 0.5F);
    return body.finish(body.node("Mul", "y", {sum, body.input(6)}));
}

}  // namespace calotype::view
