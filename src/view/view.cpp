#include "view/view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "view/builder.hpp"
#include "view/functions.hpp"
#include "view/layer_nodes.hpp"
#include "view/rounding.hpp"

namespace calotype::view {
namespace {

/// Values of the whole network by name: what one part makes and another reads.
using Known = std::map<std::string, ValueId>;

/// One NPU subgraph: tensors as codes and as reals.
class NpuView {
  public:
    NpuView(Builder builder, const NpuPart& part) : builder_(builder), part_(part), network_(*part.network) {}

    void add(Known& known) {
        for (const auto& placement : network_.inputs) {
            ValueId x = known.at(placement.value);
            if (placement.type != DataType::float32)  // codes
                x = add_dequantize_linear(builder_, placement.value + "/reals", x,
                                          tensor(placement.tensor).quantization, placement.type);
            quantize(placement.tensor,
                     add_quantization(builder_, placement.value, tensor(placement.tensor), read(placement, x)),
                     placement.value);
        }
        for (size_t i = 0; i < network_.layers.size(); ++i) layer(i);
        for (const auto& placement : network_.outputs) {
            const ValueId x = write(placement);
            known[placement.value] = placement.type == DataType::float32
                                         ? x
                                         : add_quantize_linear(builder_, placement.value + "/codes", x,
                                                               tensor(placement.tensor).quantization, placement.type);
        }
    }

  private:
    const npu::CodeTensor& tensor(npu::TensorId id) const { return network_.tensors.at(static_cast<size_t>(id)); }

    void layer(size_t index) {
        const npu::Layer& shown = network_.layers[index];
        std::vector<Shown> inputs;
        for (const npu::TensorId input : shown.inputs) inputs.push_back(tensors_.at(input));
        if (std::holds_alternative<npu::Reshape>(shown.attributes))
            define(shown.output, add_reshape(builder_, network_, shown, inputs[0].codes), shown.name);
        else
            quantize(shown.output, sum(shown, inputs), shown.name);
        std::string fact = fmt::format("{}, {}", npu::kind_name(shown.attributes),
                                       shown.precision == npu::Precision::int8 ? "INT8" : "BF16");
        if (part_.program) {
            for (const npu::Step& step : part_.program->steps)
                if (step.layer == static_cast<int32_t>(index)) fact += fmt::format(", {} cycles", step.cycles);
        }
        builder_.graph().metadata[builder_.prefix() + shown.name] = fact;
    }

    /// What the output's QuantizeLinear reads.
    ValueId sum(const npu::Layer& shown, const std::vector<Shown>& inputs) {
        ValueId y = std::holds_alternative<npu::AddArithmetic>(shown.stage)
                        ? add_sum(builder_, network_, shown, inputs)
                        : add_rounding(builder_, network_, shown, add_layer(builder_, network_, shown, inputs));
        if (shown.activation.kind == npu::ActivationKind::clamp) y = clamp(shown.name, y, shown.activation);
        return y;
    }
    ValueId clamp(const std::string& name, ValueId x, const npu::Activation& activation) {
        const auto bound = [&](const char* suffix, float value) {
            return std::isfinite(value) ? builder_.floats(name + suffix, {}, {value}) : ValueId::none;
        };
        if (activation.lo == 0 && std::isinf(activation.hi)) return builder_.node("Relu", name + "/Relu", {x});
        const ValueId lo = bound("/lo", activation.lo), hi = bound("/hi", activation.hi);
        if (lo == ValueId::none && hi == ValueId::none) return x;
        std::vector<ValueId> inputs{x, lo};
        if (hi != ValueId::none) inputs.push_back(hi);
        return builder_.node("Clip", name + "/Clip", std::move(inputs));
    }

    void quantize(npu::TensorId id, ValueId y, const std::string& name) {
        define(id, add_quantize_linear(builder_, name, y, tensor(id).quantization), name);
    }
    /// The tensor is there: its codes, and for its readers its reals.
    void define(npu::TensorId id, ValueId codes, const std::string& name) {
        tensors_[id] = {codes, add_dequantize_linear(builder_, name, codes, tensor(id).quantization)};
        builder_.graph().metadata[fmt::format("{}codes/{}", builder_.prefix(), static_cast<int32_t>(id))] =
            builder_.graph().value(codes).name;
    }

    /// A graph value as the tensor it becomes, [N, C, ...].
    ValueId read(const npu::Placement& placement, ValueId x) {
        const std::string name = placement.value + "/in";
        if (builder_.graph().value(x).type.value_or(DataType::float32) != DataType::float32)
            x = builder_.node("Cast", name + "/cast", {x}, {{"to", int64_t{1}}});
        const Dims& shape = tensor(placement.tensor).shape;
        if (keeps_axes(placement, shape)) return x;
        if (rest(placement.dims) != placement.split) x = builder_.reshape(name + "/split", x, placement.split);
        x = builder_.transpose(name + "/memory_order", x, with_batch(placement.axes));
        x = builder_.reshape(name + "/shape", x, shape);
        return channels_first(builder_, name + "/channels_first", x, shape.size());
    }

    /// The inverse: a tensor as the graph value it holds.
    ValueId write(const npu::Placement& placement) {
        const std::string name = placement.value + "/out";
        const Dims& shape = tensor(placement.tensor).shape;
        const Shown& held = tensors_.at(placement.tensor);
        if (keeps_axes(placement, shape)) return held.reals;
        Dims ordered;
        std::vector<int64_t> back(placement.axes.size());
        for (size_t i = 0; i < placement.axes.size(); ++i) {
            ordered.push_back(placement.split[static_cast<size_t>(placement.axes[i])]);
            back[static_cast<size_t>(placement.axes[i])] = static_cast<int64_t>(i);
        }
        const auto as_value = [&](ValueId x) {
            x = channels_last(builder_, name + "/memory_order", x, shape.size());
            x = builder_.reshape(name + "/split", x, ordered);
            x = builder_.transpose(name + "/axes", x, with_batch(back));
            return builder_.reshape(name + "/dims", x, rest(placement.dims));
        };
        return moved(builder_, name, held, tensor(placement.tensor).quantization, as_value);
    }

    /// The value's own axes are the view's: [N, C, ...] there and here.
    static bool keeps_axes(const npu::Placement& placement, const Dims& shape) {
        if (rest(placement.dims) != placement.split || placement.split.size() != shape.size()) return false;
        for (size_t i = 0; i < shape.size(); ++i) {
            const size_t expected = i + 1 == shape.size() ? 0 : i + 1;
            if (placement.axes[i] != static_cast<int64_t>(expected)) return false;
        }
        return true;
    }
    static Dims rest(const Dims& dims) { return {dims.begin() + (dims.empty() ? 0 : 1), dims.end()}; }
    static std::vector<int64_t> with_batch(const std::vector<int64_t>& axes) {
        std::vector<int64_t> all{0};
        for (const int64_t axis : axes) all.push_back(axis + 1);
        return all;
    }

    Builder builder_;
    const NpuPart& part_;
    const npu::Network& network_;
    std::map<npu::TensorId, Shown> tensors_;
};

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
void add_cpu(graph::Graph& view, const std::string& prefix, const graph::Graph& part, Known& known) {
    std::map<ValueId, ValueId> copied{{ValueId::none, ValueId::none}};
    Builder builder(view, prefix);
    for (const ValueId input : part.inputs) copied[input] = known.at(part.value(input).name);
    for (const ValueId id : part.values()) {
        if (copied.contains(id)) continue;
        const graph::Value& value = part.value(id);
        const std::string name = view.unused_value_name(prefix + value.name);
        copied[id] =
            value.constant ? view.add_constant(name, *value.constant) : view.add_value(name, value.type, value.dims);
    }
    for (const graph::NodeId id : part.nodes()) {
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
        view.value(*kept).dims = output.dims;
        view.outputs.push_back(*kept);
        return;
    }
    Builder builder(view, "");
    const DataType type = output.type.value_or(DataType::float32);
    const bool cast = type != DataType::float32 && view.value(made).type != type;
    std::map<std::string, graph::Attribute> attributes;
    if (cast)
        attributes["to"] = type == DataType::uint8 ? int64_t{2} : type == DataType::int8 ? int64_t{3} : int64_t{1};
    const ValueId named =
        builder.node(cast ? "Cast" : "Identity", output.name + "/output", {made}, attributes, output.name);
    view.value(named).type = type;
    view.value(named).dims = output.dims;
    view.outputs.push_back(named);
}

}  // namespace

graph::Graph make_view(const graph::Graph& model, const std::vector<Part>& parts) {
    graph::Graph view;
    view.name = model.name;
    Known known;
    for (const ValueId input : model.inputs) {
        const graph::Value& value = model.value(input);
        view.inputs.push_back(view.add_value(value.name, value.type, value.dims));
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
            NpuView(builder, *npu_part).add(known);
            for (const auto& placement : npu_part->network->outputs)
                if (ValueId& value = known.at(placement.value); read.contains(placement.value))
                    value = handed_on(builder, placement.value, value);
        } else {
            add_cpu(view, fmt::format("CPU_{}/", k), *std::get<CpuPart>(parts[k]).graph, known);
        }
    }
    for (const ValueId output : model.outputs)
        add_output(view, model.value(output), known.at(model.value(output).name));
    view.remove_dead();  // reals of tensors whose readers move the codes
    define_functions(view);
    return view;
}

}  // namespace calotype::view
