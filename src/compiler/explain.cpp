// `explain`: the main flow up to the split, and what the split says.

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/elements.hpp"
#include "base/limits.hpp"
#include "calotype/compile.hpp"
#include "compiler/host_nodes.hpp"
#include "compiler/synthetic.hpp"
#include "onnx/read.hpp"
#include "plan/plan.hpp"
#include "report/explain.hpp"
#include "runtime/load.hpp"

namespace calotype {
namespace {

/// A shape to copy into `--shape`: the free dims replaced.
std::string example_shape(Dims dims) {
    std::string text;
    for (int64_t& dim : dims)
        text += fmt::format("{}{}", text.empty() ? "" : "x", dim >= 0 ? dim : text.empty() ? 1 : 224);
    return text;
}

void check_names(const std::vector<std::pair<std::string, Dims>>& shapes, const std::vector<PortInfo>& inputs) {
    for (const auto& [name, dims] : shapes) {
        if (std::ranges::any_of(inputs, [&](const PortInfo& input) { return input.name == name; })) continue;
        std::string known;
        for (const PortInfo& input : inputs) known += fmt::format("{}`{}`", known.empty() ? "" : ", ", input.name);
        throw Error(
            {"INPUT_UNKNOWN", fmt::format("--shape `{}`", name), fmt::format("the model's inputs are {}", known)});
    }
}

void check_size(const PortInfo& input, const Dims& dims, const Limits& limits) {
    const int64_t allowed = allowed_memory_bytes(limits);
    if (element_count(dims) <= allowed / held_bytes_of(input.type)) return;
    throw Error({"LIMIT_MEMORY", fmt::format("input `{}`", input.name),
                 fmt::format("its shape {} takes more than the {} bytes allowed", to_string(dims), allowed),
                 how_to_raise(&Limits::memory_bytes)});
}

/// A sample of zeros, so that shapes are known. A free batch is 1; any other free dim must be given.
std::map<std::string, Tensor> zeros_for(const ExplainOptions& options) {
    std::map<std::string, Tensor> sample;
    const std::vector<PortInfo> inputs = model_inputs(options.model, options.limits);
    check_names(options.shapes, inputs);
    for (const PortInfo& input : inputs) {
        if (is_optional(input.kind)) continue;
        if (is_sequence(input.kind)) compiler::sequence_without_samples(input.name);
        Dims dims = input.dims;
        if (!dims.empty() && dims[0] < 0) dims[0] = 1;
        for (const auto& [name, given] : options.shapes) {
            if (name == input.name) dims = given;
        }
        for (size_t i = 0; i < dims.size(); ++i) {
            if (dims[i] >= 0) continue;
            throw Error({"SHAPE_FREE", fmt::format("input `{}`", input.name),
                         fmt::format("its dim {} of {} is free", i, to_string(input.dims)),
                         fmt::format("give --shape {}={} or --samples", input.name, example_shape(input.dims))});
        }
        check_size(input, dims, options.limits);
        sample.emplace(input.name, Tensor(input.type, dims));
    }
    return sample;
}

/// A node that one node of the file became has its operator: Abs, where that is a LeakyReLU of slope -1.
void name_operators_as_written(partition::Plan& plan, const graph::Graph& file_graph) {
    std::map<std::string, std::string> written;
    for (const graph::NodeId id : file_graph.nodes()) written.emplace(file_graph.node(id).name, file_graph.node(id).op);
    for (partition::Decision& decision : plan.decisions) {
        const auto found = written.find(decision.name);
        if (found != written.end() && decision.sources == std::vector{decision.name}) decision.op = found->second;
    }
}

}  // namespace

std::vector<PortInfo> model_inputs(const std::filesystem::path& model, const Limits& limits) {
    const graph::Graph graph = onnx::read(model, limits);
    std::vector<PortInfo> inputs;
    for (const graph::ValueId id : graph.inputs) {
        const graph::Value& value = graph.value(id);
        if (value.other) {
            inputs.push_back({value.name, value.other->element, {}, Boundary::plain, 0, 0, value.other->kind});
            continue;
        }
        if (!value.dims)
            throw Error({"ONNX_INVALID", fmt::format("input `{}`", value.name), "it has no shape",
                         "export the model with input shapes"});
        inputs.push_back({value.name, value.type.value_or(DataType::float32), *value.dims, Boundary::plain, 0, 0});
    }
    return inputs;
}

Explanation explain(const ExplainOptions& options, const Samples* samples) {
    compiler::Dump no_dump;
    const bool seen = samples != nullptr && samples->count() > 0;
    const auto sample = seen ? samples->at(0) : zeros_for(options);
    ThreadPool pool(runtime::thread_count(options.threads));
    const int64_t count = seen ? std::min(samples->count(), CompileOptions{}.images) : 0;
    compiler::FindHostNodes
        host_nodes;  // as compile finds them: with samples, or without, which a quantized model allows
    if (seen)
        host_nodes = compiler::host_nodes_seen(options.npu, *samples, count, pool);
    else if (compiler::states_scales(options.model, options.limits))
        host_nodes = compiler::host_nodes_without_scale(options.npu);
    compiler::Front front = compiler::make_front(
        {options.model, options.npu, options.disabled_rewrites, {options.ort_library, options.limits}}, sample, no_dump,
        host_nodes);
    name_operators_as_written(front.plan, front.file_graph);
    const Deadline deadline(options.limits, fmt::format("`{}`", options.model.string()), "planning its memory");
    std::vector<npu::Program> programs;
    for (const partition::Subgraph& part : front.plan.subgraphs) {
        if (part.device == partition::Device::npu)
            programs.push_back(plan::plan(part.network, front.config, {}, deadline));
    }
    const std::string name = options.model.filename();
    return {report::explain_text(front.plan, programs, front.config, name),
            report::explain_json(front.plan, programs, front.config, name)};
}

}  // namespace calotype
