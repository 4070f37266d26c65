#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "onnx/fields.hpp"
#include "onnx/read_parts.hpp"

namespace calotype::onnx {
namespace {

using Names = std::set<std::string>;

/// What is found on the way through a graph and those inside it.
struct Scan {
    const Limits& limits;
    Names operators;
};

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

Names captured_by(Message message, Scan& scan, int64_t depth);

void scan_attribute(Message attribute, Names& read, Scan& scan, int64_t depth) {
    while (attribute.next()) {
        switch (attribute.tag()) {
            case field::attribute::g: read.merge(captured_by(attribute.message("GraphProto"), scan, depth + 1)); break;
            case field::attribute::t: check_tensor(attribute.message("TensorProto"), scan.limits); break;
            case field::attribute::tensors:
            case field::attribute::graphs:
            case field::attribute::sparse_tensor:
                broken("a subgraph or function", "an attribute in it is of a kind that is not supported");
            default: attribute.skip();
        }
    }
}

void scan_node(Message node, Names& made, Names& read, Scan& scan, int64_t depth) {
    while (node.next()) {
        switch (node.tag()) {
            case field::node::input: read.insert(node.text()); break;
            case field::node::output: made.insert(node.text()); break;
            case field::node::op_type: scan.operators.insert(node.text()); break;
            case field::node::attribute: scan_attribute(node.message("AttributeProto"), read, scan, depth); break;
            default: node.skip();
        }
    }
}

/// Names read but not made inside a GraphProto, inner graphs included.
Names captured_by(Message message, Scan& scan, int64_t depth) {
    if (depth > scan.limits.nesting)
        beyond(&Limits::nesting, "a subgraph", fmt::format("it lies more than {} graphs deep", scan.limits.nesting));
    Names made, read, captured;
    while (message.next()) {
        switch (message.tag()) {
            case field::graph::node: scan_node(message.message("NodeProto"), made, read, scan, depth); break;
            case field::graph::initializer: {
                const Message tensor = message.message("TensorProto");
                check_tensor(tensor, scan.limits);
                made.insert(text_of(tensor, field::tensor::name));
                break;
            }
            case field::graph::sparse_initializer:
                broken("a subgraph", "it has a sparse initializer, which is not supported");
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

graph::OpaqueGraph read_subgraph(Message message, const Limits& limits) {
    Scan scan{limits, {}};
    const Names captured = captured_by(message, scan, 0);
    return {std::string(message.rest()),
            {captured.begin(), captured.end()},
            {scan.operators.begin(), scan.operators.end()}};
}

void check_function(Message message, const Limits& limits) {
    Scan scan{limits, {}};
    Names made, read;
    while (message.next()) {
        if (message.tag() == field::function::node)
            scan_node(message.message("NodeProto"), made, read, scan, 0);
        else
            message.skip();
    }
}

}  // namespace calotype::onnx
