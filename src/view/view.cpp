#include "view/view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "view/functions.hpp"
#include "view/npu_nodes.hpp"

namespace calotype::view {
namespace {

/// Values that a part reads.
std::set<std::string> values_read(const std::vector<Part>& parts) {
    std::set<std::string> names;
    for (const Part& part : parts)
        if (const auto* npu_part = std::get_if<NpuPart>(&part))
            for (const auto& placement : npu_part->network->inputs) names.insert(placement.value);
        else
            for (const ValueId input : std::get<CpuPart>(part).graph->inputs)
                names.insert(std::get<CpuPart>(part).graph->value(input).name);
    return names;
}

/// What an NPU part hands to another, behind a node that ONNX Runtime's optimizer neither removes nor moves anything
/// past (shown.hpp): the Max of one value, which is that value.
ValueId handed_on(Builder builder, const std::string& name, ValueId value) {
    const graph::NodeId producer = builder.graph().producer(value);
    const bool dequantized = producer != graph::NodeId::none && builder.graph().node(producer).op == "DequantizeLinear";
    return dequantized ? builder.node("Max", name + "/as_it_is", {value}) : value;
}

/// A subgraph attribute reads by the name that the model's value has.
void keep_name(Builder& builder, const std::string& name, ValueId value) {
    if (!builder.graph().find_value(name)) builder.node("Identity", name + "/captured", {value}, {}, name);
}

/// Copies a CPU subgraph's nodes; values inside it get the prefix.
void add_cpu(graph::Graph& view, const std::string& prefix, const graph::Graph& part, Known& known,
             const Deadline& deadline) {
    std::map<ValueId, ValueId> copied{{ValueId::none, ValueId::none}};
    Builder builder(view, prefix);
    for (const ValueId input : part.inputs) copied[input] = known.at(part.value(input).name);
    for (const ValueId id : part.values()) {
        if (copied.contains(id)) continue;
        const graph::Value& value = part.value(id);
        const std::string name = view.unused_value_name(prefix + value.name);
        copied[id] = value.constant ? view.add_constant(name, *value.constant)
                                    : view.add_value(name, value.type, graph::stated_dims(value));
    }
    for (const graph::NodeId id : part.nodes()) {
        deadline.check();
        graph::Node node = part.node(id);
        for (const std::string& outer : graph::captured_names(node))
            if (const auto value = part.find_value(outer)) keep_name(builder, outer, copied.at(*value));
        node.name = view.unused_node_name(prefix + node.name);
        for (ValueId& input : node.inputs) input = copied.at(input);
        for (ValueId& output : node.outputs) output = copied.at(output);
        view.add_node(std::move(node));
    }
    for (const ValueId output : part.outputs) known[part.value(output).name] = copied.at(output);
    for (const auto& [domain, version] : part.other_opsets) view.other_opsets[domain] = version;
    view.local_functions = part.local_functions;  // the file's, in every part
}

/// Our functions that the view calls.
void define_functions(graph::Graph& view) {
    std::set<std::string> called;
    for (const graph::NodeId id : view.nodes())
        if (view.node(id).domain == kDomain) called.insert(view.node(id).op);
    for (const std::string& name : called) view.functions.push_back(function_of(name));
    if (!called.empty()) view.other_opsets[kDomain] = 1;
}

/// The view's value under the model's own output name and type.
void add_output(graph::Graph& view, const graph::Value& output, ValueId made) {
    if (const auto kept = view.find_value(output.name)) {  // a subgraph attribute reads it too
        view.value(*kept).type = output.type;
        view.value(*kept).dims = graph::stated_dims(output);
        view.value(*kept).other = output.other;
        view.outputs.push_back(*kept);
        return;
    }
    Builder builder(view, "");
    const DataType type = output.type.value_or(DataType::float32);
    const bool cast = !output.other && type != DataType::float32 && view.value(made).type != type;
    std::map<std::string, graph::Attribute> attributes;
    if (cast)
        attributes["to"] = type == DataType::uint8 ? int64_t{2} : type == DataType::int8 ? int64_t{3} : int64_t{1};
    const ValueId named =
        builder.node(cast ? "Cast" : "Identity", output.name + "/output", {made}, attributes, output.name);
    if (!output.other) view.value(named).type = type;
    view.value(named).dims = graph::stated_dims(output);
    view.value(named).other = output.other;
    view.outputs.push_back(named);
}

}  // namespace

graph::Graph make_view(const graph::Graph& model, const std::vector<Part>& parts, const Deadline& deadline) {
    graph::Graph view;
    view.name = model.name;
    Known known;
    for (const ValueId input : model.inputs) {
        const graph::Value& value = model.value(input);
        view.inputs.push_back(view.add_value(value.name, value.type, value.dims));
        view.value(view.inputs.back()).other = value.other;
        known[value.name] = view.inputs.back();
    }
    for (const ValueId output : model.outputs)  // their names are taken before a part's values ask for one
        if (model.is_constant(output))
            known[model.value(output).name] =
                view.add_constant("constant/" + model.value(output).name, *model.value(output).constant);
    const std::set<std::string> read = values_read(parts);
    for (size_t k = 0; k < parts.size(); ++k) {
        if (const auto* npu_part = std::get_if<NpuPart>(&parts[k])) {
            const Builder builder(view, fmt::format("NPU_{}/", k));
            add_npu(builder, *npu_part, known, deadline);
            for (const auto& placement : npu_part->network->outputs)
                if (ValueId& value = known.at(placement.value); read.contains(placement.value))
                    value = handed_on(builder, placement.value, value);
        } else {
            add_cpu(view, fmt::format("CPU_{}/", k), *std::get<CpuPart>(parts[k]).graph, known, deadline);
        }
    }
    for (const ValueId output : model.outputs)
        add_output(view, model.value(output), known.at(model.value(output).name));
    view.remove_dead();  // reals of tensors whose readers move the codes
    define_functions(view);
    return view;
}

}  // namespace calotype::view
