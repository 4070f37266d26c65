#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "onnx/outputs_of_body.hpp"
#include "onnx/read.hpp"
#include "onnx/read_parts.hpp"
#include "onnx/upgrade/steps.hpp"
#include "onnx/write.hpp"

// The body of an If, Loop or Scan of an old opset: read as a graph whose captured values nobody makes, brought to the
// new opset like any graph, and written again.

namespace calotype::onnx::upgrading {
namespace {

bool is_typed(const std::vector<ValueInfo>& infos) {
    return std::ranges::all_of(infos, [](const ValueInfo& info) { return info.type || info.other; });
}

}  // namespace

bool upgrade_subgraph(const Graph& outer, const graph::Node& node, graph::OpaqueGraph& body) {
    Model model = read_graph_alone(Message(std::as_bytes(std::span(body.bytes)), "GraphProto"));
    if (!is_typed(model.inputs) || !is_typed(model.outputs)) return false;  // maps: we could not write them again
    for (NamedNode& one :
         model.nodes)  // what is added inside takes its name from these, and may not hide an outer value
        one.node.name = fmt::format("{}/{}", node.name, one.node.name.empty() ? one.node.op : one.node.name);
    const size_t own_inputs = model.inputs.size();
    for (const std::string& name : body.captured_values) model.inputs.push_back({name, DataType::float32, {}, {}});
    name_outputs_apart(model);
    model.opsets = outer.other_opsets;
    model.opsets[""] = outer.opset;
    Graph graph = link(std::move(model));
    for (size_t i = own_inputs; i < graph.inputs.size(); ++i) graph.value(graph.inputs[i]).type.reset();
    graph.inputs.resize(std::min(own_inputs, graph.inputs.size()));
    graph.sort();
    upgrade(graph);
    body.bytes = write_graph(graph);
    return true;
}

}  // namespace calotype::onnx::upgrading
