#include "view/functions.hpp"

#include "view/builder.hpp"

namespace calotype::view {
namespace {

enum : int64_t { kFloat32 = 1, kInt64 = 7, kFloat64 = 11 };  // TensorProto.DataType

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
    ValueId number(const std::string& value, float constant) {
        return builder_.node("Constant", value, {}, {{"value_float", constant}}, value);
    }
    ValueId cast(const std::string& value, ValueId x, int64_t onnx_type) {
        return builder_.node("Cast", value, {x}, {{"to", onnx_type}}, value);
    }
    /// Nearest, ties upwards.
    ValueId up(const std::string& value, ValueId x) {
        const ValueId half = cast(value + "_half64", number(value + "_half", 0.5F), kFloat64);
        return node("Floor", value, {node("Add", value + "_and_half", {x, half})});
    }
    ValueId to_int16(const std::string& value, ValueId x) {
        return node("Clip", value, {x, number(value + "_least", -32768), number(value + "_most", 32767)});
    }
    graph::Function finish(ValueId y) {
        body_.outputs = {y};
        return {kDomain, body_};
    }

  private:
    graph::Graph body_;
    Builder builder_;
};

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

graph::Function piecewise_function(const std::string& name) {
    Body body(name, {"x", "step", "m", "slope", "intercept", "factor", "shift", "lo", "hi", "scale"});
    const ValueId sum = body.node("Round", "sum", {body.node("Div", "in_steps", {body.input(0), body.input(1)})});
    const ValueId pre =
        body.to_int16("pre", body.node("Round", "rounded", {body.node("Mul", "scaled_sum", {sum, body.input(2)})}));

    const ValueId high = body.node("Floor", "upper", {body.node("Div", "bytes", {pre, body.number("byte", 256)})});
    const ValueId index = body.cast("index", body.node("Add", "upper_byte", {high, body.number("first", 128)}), kInt64);
    const ValueId slope = body.cast("slope64", body.node("Gather", "slope_at", {body.input(3), index}), kFloat64);
    const ValueId rise = body.up("rise", body.node("Mul", "line", {slope, body.cast("pre64", pre, kFloat64)}));
    const ValueId offset = body.node("Gather", "intercept_at", {body.input(4), index});
    const ValueId y16 = body.to_int16("y16", body.node("Add", "sum16", {body.cast("rise32", rise, kFloat32), offset}));

    const auto times = [&](const std::string& value, ValueId x, size_t factor) {
        const ValueId factor64 = body.cast(value + "_factor", body.input(factor), kFloat64);
        return body.up(value, body.node("Mul", value + "_exact", {x, factor64}));
    };
    const ValueId channel = times("channel", body.cast("y64", y16, kFloat64), 5);
    const ValueId code = body.cast("code", times("shifted", channel, 6), kFloat32);
    const ValueId least = body.node("Max", "at_least", {code, body.input(7)});
    const ValueId clamped = body.node("Min", "at_most", {least, body.input(8)});
    return body.finish(body.node("Mul", "y", {clamped, body.input(9)}));
}

}  // namespace

graph::Function function_of(const std::string& name) {
    if (name == kQuantize) return quantize_function();
    if (name == kRequantize) return requantize_function();
    if (name == kAdd) return add_function();
    return piecewise_function(name);
}

}  // namespace calotype::view
