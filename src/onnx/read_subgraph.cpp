#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "onnx/fields.hpp"
#include "onnx/read_parts.hpp"

namespace calotype::onnx {
namespace {

constexpr int kDeepest = 32;  // a hostile file must not exhaust the stack

using Names = std::set<std::string>;

/// The text of field `tag`; "" where it is absent.
std::string text_of(Message message, uint32_t tag) {
    std::string text;
    while (message.next()) {
        if (message.tag() == tag)
            text = message.text();
        else
            message.skip();
    }
    return text;
}

Names captured_by(Message message, Names& operators, int depth);

void scan_node(Message node, Names& made, Names& read, Names& operators, int depth) {
    while (node.next()) {
        switch (node.tag()) {
            case field::node::input: read.insert(node.text()); break;
            case field::node::output: made.insert(node.text()); break;
            case field::node::op_type: operators.insert(node.text()); break;
            case field::node::attribute: {
                Message attribute = node.message("AttributeProto");
                while (attribute.next()) {
                    if (attribute.tag() == field::attribute::g)
                        read.merge(captured_by(attribute.message("GraphProto"), operators, depth + 1));
                    else
                        attribute.skip();
                }
                break;
            }
            default: node.skip();
        }
    }
}

/// Names read but not made inside a GraphProto, inner graphs included.
Names captured_by(Message message, Names& operators, int depth) {
    if (depth > kDeepest) broken("a subgraph", fmt::format("it lies more than {} graphs deep", kDeepest));
    Names made, read, captured;
    while (message.next()) {
        switch (message.tag()) {
            case field::graph::node: scan_node(message.message("NodeProto"), made, read, operators, depth); break;
            case field::graph::initializer:
                made.insert(text_of(message.message("TensorProto"), field::tensor::name));
                break;
            case field::graph::input:
                made.insert(text_of(message.message("ValueInfoProto"), field::value_info::name));
                break;
            case field::graph::output:
                read.insert(text_of(message.message("ValueInfoProto"), field::value_info::name));
                break;
            default: message.skip();
        }
    }
    std::set_difference(read.begin(), read.end(), made.begin(), made.end(), std::inserter(captured, captured.end()));
    captured.erase("");
    return captured;
}

}  // namespace

graph::OpaqueGraph read_subgraph(Message message) {
    Names operators;
    const Names captured = captured_by(message, operators, 0);
    return {std::string(message.rest()), {captured.begin(), captured.end()}, {operators.begin(), operators.end()}};
}

}  // namespace calotype::onnx
