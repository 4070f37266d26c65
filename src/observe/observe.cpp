#include "observe/observe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <set>

#include "base/error.hpp"
#include "observe/constant_nodes.hpp"
#include "observe/fold_sizes.hpp"
#include "observe/known_sizes.hpp"
#include "observe/varying_sizes.hpp"
#include "onnx/inline_branch.hpp"
#include "onnx/write.hpp"

namespace calotype::observe {
namespace {

using graph::Graph;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

void bind_inputs(Graph& graph, const std::map<std::string, Tensor>& sample) {
    for (const ValueId id : graph.inputs) {
        graph::Value& value = graph.value(id);
        if (value.other) {
            if (!is_optional(value.other->kind) && held_names(sample, value.name, value.other->kind).empty())
                throw Error({"SAMPLE_MISSING", fmt::format("input `{}`", value.name),
                             "the sample has no elements for the sequence", "give it, empty or not"});
            continue;
        }
        const auto found = sample.find(value.name);
        if (found == sample.end()) {
            throw Error({"SAMPLE_MISSING", fmt::format("input `{}`", value.name),
                         "the sample has no array of this name", "give one array for each input of the model"});
        }
        value.dims = found->second.dims();
        value.type = found->second.type();
        value.symbols.clear();
    }
}

/// Every value made by a node becomes an output.
void expose_all(Graph& graph) {
    const std::set<ValueId> shown(graph.outputs.begin(), graph.outputs.end());
    for (const NodeId id : graph.nodes()) {
        for (const ValueId out : graph.node(id).outputs) {
            if (out != ValueId::none && !shown.contains(out)) graph.outputs.push_back(out);
        }
    }
}

void forget_shapes(Graph& graph) {
    for (const ValueId id : graph.values()) {
        graph::Value& value = graph.value(id);
        if (value.producer == NodeId::none) continue;
        value.dims.reset();  // the file's may name a free batch; the run tells them anew
        value.symbols.clear();
    }
}

/// Whether a node's outputs are the same for every content of the inputs, given their shapes.
bool depends_on_shapes_only(const Graph& graph, const Node& node, const std::set<ValueId>& fixed) {
    if (graph::is_random(node)) return false;
    if (node.domain.empty() && (node.op == "Shape" || node.op == "Size")) return true;
    const auto is_fixed = [&](ValueId in) {
        return in == ValueId::none || graph.is_constant(in) || fixed.contains(in);
    };
    return std::ranges::all_of(node.inputs, is_fixed) &&
           std::ranges::all_of(graph::captured_names(node),
                               [&](const std::string& name) { return is_fixed(graph.find_value(name).value()); });
}

std::set<ValueId> fixed_values(const Graph& graph) {
    std::set<ValueId> fixed;
    for (const NodeId id : graph.nodes()) {
        if (!depends_on_shapes_only(graph, graph.node(id), fixed)) continue;
        for (const ValueId out : graph.node(id).outputs) {
            if (out != ValueId::none) fixed.insert(out);
        }
    }
    return fixed;
}

/// Scales or sizes, one an axis. ONNX infers such a list of unknown length as an empty one, and refuses it.
bool is_list_of_a_resize(const Graph& graph, ValueId id) {
    return std::ranges::any_of(graph.readers(id), [&](NodeId reader) {
        const Node& node = graph.node(reader);
        return node.domain.empty() && node.op == "Resize" && node.inputs[0] != id;
    });
}

}  // namespace

std::set<ValueId> values_from_shapes(const Graph& graph) {
    const std::set<ValueId> fixed = fixed_values(graph);
    std::set<ValueId> from_shapes;
    for (const NodeId id : graph.nodes()) {
        const Node& node = graph.node(id);
        const bool is_shape = node.domain.empty() && (node.op == "Shape" || node.op == "Size");
        const bool reads_one = std::ranges::any_of(node.inputs, [&](ValueId in) { return from_shapes.contains(in); });
        if (!is_shape && !reads_one) continue;
        std::ranges::copy_if(node.outputs, std::inserter(from_shapes, from_shapes.end()),
                             [&](ValueId out) { return fixed.contains(out); });
    }
    return from_shapes;
}

namespace {

constexpr int kSizeRounds = 8;  // sizes that hang on sizes that hang on others: two or three, in real models

/// Shows every value; what sizes can be known are, and none is too large.
ort::Session checked_session(const Graph& graph, const ort::Library& library) {
    const ort::SessionOptions options{.threads = 1, .optimize = false};
    Graph exposed = graph;
    expose_all(exposed);
    ort::Session session(library, onnx::write(exposed), options);
    refuse_large_runs(exposed, session.outputs(), library.limits());
    for (int round = 0; round < kSizeRounds; ++round) {
        try {
            if (!fold_sizes(exposed, library, session.outputs())) break;
            session = ort::Session(library, onnx::write(exposed), options);
        } catch (const Error&) {
            break;  // ONNX Runtime's inference refuses of constants what its kernels take (a Range from [0] to [4])
        }
        refuse_large_runs(exposed, session.outputs(), library.limits());
    }
    return session;
}

/// One run: types and dims of every value, and constants.
void look_at(Graph& graph, const ort::Library& library, const std::map<std::string, Tensor>& first_sample) {
    forget_shapes(graph);
    const ort::Session session = checked_session(graph, library);
    const auto [fixed, varying] = follow_sizes(graph, session.outputs());
    refuse_large_constants(graph, fixed, session.outputs(), library.limits());
    std::vector<std::string> tensors;
    for (const ort::Info& output : session.outputs()) {
        if (output.is_tensor()) tensors.push_back(output.name);
        graph::Value& value = graph.value(graph.find_value(output.name).value());
        value.other.reset();
        if (output.kind && !output.is_tensor()) value.other = graph::OtherType{*output.kind, output.type};
    }
    if (tensors.empty()) return;  // nothing but sequences; asking for no value would ask for all
    auto values = session.run(first_sample, tensors);
    for (auto& [name, tensor] : values) {
        const auto id = graph.find_value(name);
        CALOTYPE_ASSERT(id.has_value(), "ONNX Runtime answers with values of the graph");
        graph::Value& value = graph.value(*id);
        refuse_many_dims(name, tensor.dims());
        value.type = tensor.type();
        value.dims = tensor.dims();
        value.varies = varying.contains(*id);
        if (!fixed.contains(*id) || tensor.type() == DataType::string || graph.is_output(*id)) continue;
        const ValueId constant = graph.add_constant(graph.unused_value_name(name + "_value"), std::move(tensor));
        graph.replace_uses(*id, constant);
    }
    graph.remove_dead();
}

/// Whether any If had a constant condition, as exporters write what depends on a shape.
bool inline_constant_branches(Graph& graph) {
    bool any = false;
    for (const NodeId id : std::vector<NodeId>(graph.nodes())) {
        const Node& node = graph.node(id);
        if (node.op != "If" || !node.domain.empty() || node.inputs.empty() || !graph.is_constant(node.inputs[0]))
            continue;
        const Tensor& condition = *graph.value(node.inputs[0]).constant;
        if (condition.type() != DataType::boolean || condition.elements() != 1) continue;
        any = onnx::inline_branch(graph, id, condition.bytes()[0] != std::byte{0}) || any;
    }
    if (any) graph.sort();
    return any;
}

}  // namespace

void concretize(Graph& graph, const ort::Library& library, const std::map<std::string, Tensor>& first_sample) {
    bind_inputs(graph, first_sample);
    do look_at(graph, library, first_sample);
    while (inline_constant_branches(graph));
}

Graph without_sizes(Graph graph) {
    for (const ValueId id : graph.values()) {
        graph::Value& value = graph.value(id);
        if (value.constant || !value.dims || is_list_of_a_resize(graph, id)) continue;
        std::ranges::fill(*value.dims, -1);
        value.symbols.clear();
    }
    return graph;
}

namespace {

/// For samples of all sizes; where ONNX Runtime cannot do without the graph's own (operators that it knows as functions
/// of what the shapes are), for samples of those.
ort::Session any_size_session(const Graph& graph, const ort::Library& library) {
    const ort::SessionOptions options{.threads = 1, .optimize = false};
    try {
        return {library, onnx::write(without_sizes(graph)), options};
    } catch (const Error&) {
        return {library, onnx::write(graph), options};
    }
}

}  // namespace

Observer::Observer(const Graph& graph, const ort::Library& library, std::vector<std::string> values) {
    Graph exposed = graph;
    exposed.outputs.clear();
    const std::set<ValueId> given(exposed.inputs.begin(), exposed.inputs.end());
    std::set<ValueId> seen;
    for (const std::string& name : values) {
        const auto id = exposed.find_value(name);
        CALOTYPE_ASSERT(id.has_value(), "an observed value is in the graph");
        if (!seen.insert(*id).second) continue;
        const bool is_input = given.contains(*id);
        (is_input ? inputs_ : outputs_).push_back(name);
        if (!is_input) exposed.outputs.push_back(*id);
    }
    if (outputs_.empty()) return;
    exposed.remove_dead();
    session_ = std::make_shared<const ort::Session>(any_size_session(exposed, library));
}

std::map<std::string, Tensor> Observer::run(const std::map<std::string, Tensor>& sample) const {
    auto values = session_ ? session_->run(sample, outputs_) : std::map<std::string, Tensor>{};
    for (const std::string& name : inputs_)
        if (const auto given = sample.find(name); given != sample.end()) values.emplace(*given);
    return values;
}

Evaluator make_evaluator(const ort::Library& library) {
    return [library](const Graph& graph, NodeId id) {
        auto values = run_constant_nodes(graph, std::array{id}, library);
        std::vector<Tensor> results;
        for (const ValueId out : graph.node(id).outputs)
            results.push_back(out == ValueId::none ? Tensor() : std::move(values.at(graph.value(out).name)));
        return results;
    };
}

}  // namespace calotype::observe
