#include <fmt/format.h>

#include "onnx/fields.hpp"
#include "onnx/read_parts.hpp"

namespace calotype::onnx {
namespace {

using graph::Attribute;
using graph::Node;

/// AttributeProto.AttributeType; older files leave it out, then the field that is there says it.
enum Type : int64_t { kFloat = 1, kInt, kString, kTensor, kGraph, kFloats, kInts, kStrings };

/// An AttributeProto as it stands in the file.
struct Raw {
    std::string name;
    int64_t type = 0;
    float f = 0;
    int64_t i = 0;
    std::string s;
    std::optional<NamedTensor> t;
    std::optional<graph::OpaqueGraph> g;
    std::vector<float> floats;
    std::vector<int64_t> ints;
    std::vector<std::string> strings;
    std::string referred;  ///< the call's attribute whose value it has, in a function

    void is(Type one) {
        if (type == 0) type = one;
    }
};

Raw read_raw(Message message, const std::string& subject, const Origin& origin) {
    Raw raw;
    int64_t stated = 0;
    while (message.next()) {
        switch (message.tag()) {
            case field::attribute::name: raw.name = message.text(); break;
            case field::attribute::type: stated = message.integer(); break;
            case field::attribute::f: raw.f = message.real(), raw.is(kFloat); break;
            case field::attribute::i: raw.i = message.integer(), raw.is(kInt); break;
            case field::attribute::s: raw.s = message.bytes(), raw.is(kString); break;
            case field::attribute::t:
                raw.t = read_tensor(message.message("TensorProto"), origin), raw.is(kTensor);
                break;
            case field::attribute::g:
                raw.g = read_subgraph(message.message("GraphProto"), origin.limits), raw.is(kGraph);
                break;
            case field::attribute::floats: message.append(raw.floats), raw.is(kFloats); break;
            case field::attribute::ints: message.append(raw.ints), raw.is(kInts); break;
            case field::attribute::strings: raw.strings.emplace_back(message.bytes()), raw.is(kStrings); break;
            case field::attribute::ref_attr_name: raw.referred = message.text(); break;
            case field::attribute::tensors:
            case field::attribute::graphs:
            case field::attribute::sparse_tensor:
                broken(subject, fmt::format("attribute `{}` is of a kind that is not supported", raw.name));
            default: message.skip();
        }
    }
    if (stated != 0) raw.type = stated;
    return raw;
}

Attribute attribute_of(Raw&& raw, const std::string& subject) {
    switch (raw.type) {
        case kFloat: return raw.f;
        case kInt: return raw.i;
        case kString: return std::move(raw.s);
        case kTensor:
            if (!raw.t) broken(subject, fmt::format("attribute `{}` has no tensor", raw.name));
            return std::move(raw.t->tensor);
        case kGraph:
            if (!raw.g) broken(subject, fmt::format("attribute `{}` has no graph", raw.name));
            return *std::move(raw.g);
        case kFloats: return std::move(raw.floats);
        case kInts: return std::move(raw.ints);
        case kStrings: return std::move(raw.strings);
        default:
            broken(subject, fmt::format("attribute `{}` is of type {}, which is not supported", raw.name, raw.type));
    }
}

/// The numbers of a window: what lies beyond is no picture, and would overflow what is computed with them.
void check_window(std::string_view name, const std::vector<int64_t>& ints, const std::string& subject) {
    constexpr int64_t kMostPixels = 1 << 20;
    if (name != "strides" && name != "dilations" && name != "kernel_shape" && name != "pads") return;
    for (const int64_t one : ints) {
        if (one < -kMostPixels || one > kMostPixels)
            broken(subject, fmt::format("attribute `{}` holds {}, at most {} are read", name, one, kMostPixels));
    }
}

constexpr size_t kMostAttributes = 1000;  // no operator has fifty

/// One more than there may be is kept: what they take of memory is many times their bytes.
void check_counts(const NamedNode& named, size_t attributes) {
    const auto check = [&](size_t count, size_t most, std::string_view what) {
        if (count > most) broken(subject_of(named.node), fmt::format("it has more than {} {}", most, what));
    };
    check(named.inputs.size(), kMostPorts, "inputs");
    check(named.outputs.size(), kMostPorts, "outputs");
    check(attributes, kMostAttributes, "attributes");
}

}  // namespace

std::string subject_of(const Node& node) { return fmt::format("node `{}` ({})", node.name, node.op); }

std::pair<std::string, Attribute> read_attribute(Message message, const Origin& origin) {
    const std::string subject = "a function's default";
    Raw raw = read_raw(message, subject, origin);
    std::string name = raw.name;
    return {std::move(name), attribute_of(std::move(raw), subject)};
}

NamedNode read_node(Message message, const Origin& origin, std::map<std::string, std::string>* referred) {
    NamedNode named;
    Node& node = named.node;
    std::vector<Message> attributes;  // the name may stand behind them, and is needed for messages
    const auto keep = [&](std::vector<std::string>& names) {
        if (names.size() > kMostPorts)
            message.skip();
        else
            names.push_back(message.text());
    };
    while (message.next()) {
        switch (message.tag()) {
            case field::node::input: keep(named.inputs); break;
            case field::node::output: keep(named.outputs); break;
            case field::node::name: node.name = message.text(); break;
            case field::node::op_type: node.op = message.text(); break;
            case field::node::domain: node.domain = message.text(); break;
            case field::node::overload: named.overload = message.text(); break;
            case field::node::attribute:
                if (attributes.size() > kMostAttributes)
                    message.skip();
                else
                    attributes.push_back(message.message("AttributeProto"));
                break;
            default: message.skip();
        }
    }
    if (node.domain == "ai.onnx") node.domain.clear();
    if (node.op.empty()) broken(fmt::format("node `{}`", node.name), "it names no operator");
    check_counts(named, attributes.size());
    const std::string subject = subject_of(node);
    for (const Message& attribute : attributes) {
        Raw raw = read_raw(attribute, subject, origin);
        const std::string name = raw.name;
        if (!raw.referred.empty()) {
            if (referred == nullptr)
                broken(subject, fmt::format("attribute `{}` refers to one of a function, and stands in none", name));
            referred->emplace(name, raw.referred);
            continue;
        }
        check_window(name, raw.ints, subject);
        if (!node.attributes.emplace(name, attribute_of(std::move(raw), subject)).second)
            broken(subject, fmt::format("attribute `{}` is given twice", name));
    }
    return named;
}

}  // namespace calotype::onnx
