#include <fmt/format.h>

#include "onnx/read_parts.hpp"
#include "onnx/upgrade/steps.hpp"
#include "onnx/write.hpp"

// Scan of opset 8 goes over the sequences of a batch, axis 0 of all that it reads and makes. Since opset 9 that is a Scan
// over the batch, which hands everything through, around a Scan over one sequence.

namespace calotype::onnx::upgrading {
namespace {

graph::OpaqueGraph body_of(const graph::Node& node) {
    const auto found = node.attributes.find("body");
    const auto* body = found == node.attributes.end() ? nullptr : std::get_if<graph::OpaqueGraph>(&found->second);
    if (body == nullptr) broken(subject_of(node), "its attribute `body` is no graph");
    return *body;
}

/// One sequence: reads and makes what the whole does, without the batch's axis.
graph::Node of_one_sequence(const graph::Node& whole, graph::OpaqueGraph body, int64_t scanned) {
    graph::Node node;
    node.name = whole.name + "/sequence";
    node.op = "Scan";
    node.attributes["body"] = std::move(body);
    node.attributes["num_scan_inputs"] = scanned;
    if (const auto directions = whole.attributes.find("directions"); directions != whole.attributes.end())
        node.attributes["scan_input_directions"] = directions->second;
    return node;
}

}  // namespace

void scan_8(Graph& graph, NodeId id) {
    if (graph.input(id, 0) != ValueId::none)
        refuse(graph, id, "Scan of opset 8 with lengths of its sequences is another operator since 9",
               "pad nothing and leave `sequence_lens` out, or export it again with opset 9 or later");
    graph::Node& whole = graph.node(id);
    const int64_t scanned = graph::int_attribute(whole, "num_scan_inputs", 0);
    const auto given = std::ssize(whole.inputs) - 1;
    if (scanned < 1 || scanned > given)
        broken(subject_of(whole), fmt::format("it scans {} of its {} inputs", scanned, given));
    graph::OpaqueGraph body = body_of(whole);
    graph::OpaqueGraph outer{{}, body.captured_values, body.operators};

    Graph batch;
    batch.name = whole.name;
    graph::Node sequence = of_one_sequence(whole, std::move(body), scanned);
    // Names of no outer value: the body may read any of those.
    const auto add = [&](std::string_view what, size_t index) {
        return batch.add_value(graph.unused_value_name(fmt::format("{}/{}_{}", whole.name, what, index)));
    };
    for (size_t i = 1; i < whole.inputs.size(); ++i) sequence.inputs.push_back(add("given", i));
    for (size_t i = 0; i < whole.outputs.size(); ++i) sequence.outputs.push_back(add("made", i));
    batch.inputs = sequence.inputs;
    batch.outputs = sequence.outputs;
    batch.add_node(std::move(sequence));
    outer.bytes = write_graph(batch);

    whole.inputs.erase(whole.inputs.begin());
    whole.attributes = {{"body", std::move(outer)}, {"num_scan_inputs", int64_t{given}}};
}

}  // namespace calotype::onnx::upgrading
