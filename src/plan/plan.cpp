#include "plan/plan.hpp"

#include <fmt/format.h>

#include "npu/cost.hpp"
#include "npu/limits.hpp"
#include "plan/memory.hpp"

namespace calotype::plan {
namespace {

/// What FloatNetwork and Network have in common.
struct Item {
    const std::string& name;
    const npu::Attributes& attributes;
    const std::vector<npu::TensorId>& inputs;
    npu::TensorId output;
    npu::Precision precision;
};
struct Outline {
    std::vector<Item> layers;
    std::vector<Dims> shapes;            ///< per tensor, as made for
    std::vector<int64_t> element_bytes;  ///< per tensor; none of a constant, which lies among the weights
    std::vector<npu::TensorId> inputs, outputs;
    std::vector<std::string> input_values;
};

int64_t bytes_of(npu::Precision precision) { return precision == npu::Precision::int8 ? 1 : 2; }

void add_inputs(Outline& outline, const std::vector<npu::Placement>& inputs) {
    for (const npu::Placement& input : inputs) {
        outline.inputs.push_back(input.tensor);
        outline.input_values.push_back(input.value);
    }
}

Outline outline(const npu::Network& network) {
    Outline outline;
    for (const npu::Layer& layer : network.layers)
        outline.layers.push_back({layer.name, layer.attributes, layer.inputs, layer.output, layer.precision});
    for (const npu::CodeTensor& tensor : network.tensors) {
        outline.shapes.push_back(tensor.shape);
        outline.element_bytes.push_back(tensor.constant.empty() ? bytes_of(tensor.precision) : 0);
    }
    add_inputs(outline, network.inputs);
    for (const npu::Placement& output : network.outputs) outline.outputs.push_back(output.tensor);
    return outline;
}

Outline outline(const npu::FloatNetwork& network) {
    Outline outline;
    for (const npu::FloatLayer& layer : network.layers)
        outline.layers.push_back({layer.name, layer.attributes, layer.inputs, layer.output, npu::Precision::int8});
    for (const npu::FloatTensor& tensor : network.tensors) {
        outline.shapes.push_back(tensor.shape);
        outline.element_bytes.push_back(tensor.constant.empty() ? 1 : 0);
    }
    add_inputs(outline, network.inputs);
    for (const npu::Placement& output : network.outputs) outline.outputs.push_back(output.tensor);
    return outline;
}

/// Scales, weights and tables are the channels': at every size there are as many.
void check_channels(const Dims& shape, const Dims& made_for, const std::string& subject) {
    if (npu::channels_of(shape) == npu::channels_of(made_for)) return;
    throw Error({"LAYER_SHAPE", subject,
                 fmt::format("its channels would be {} instead of {}, and each has its scale", npu::channels_of(shape),
                             npu::channels_of(made_for))});
}

/// A layer's cost and its tensor's shape; another size than the one made for may break a limit that held there.
npu::Step plan_layer(const Item& layer, size_t number, std::vector<Dims>& shapes, const npu::Config& config) {
    std::vector<Dims> inputs;
    for (const npu::TensorId tensor : layer.inputs) inputs.push_back(shapes[index_of(tensor)]);
    std::vector<Dims> sources;
    for (const npu::TensorId tensor : npu::sources_of_shape(layer.attributes, layer.inputs))
        sources.push_back(shapes[index_of(tensor)]);
    Dims& output = shapes[index_of(layer.output)];
    const Dims made_for = output;
    output = npu::output_shape(layer.attributes, sources, made_for);
    check_channels(output, made_for, fmt::format("layer `{}`", layer.name));
    const auto broken = npu::broken_limits({layer.attributes, inputs, output}, config);
    if (!broken.empty())
        throw Error(
            {"LAYER_LIMIT", fmt::format("layer `{}`", layer.name),
             fmt::format("{} is {}, {} takes {}", broken[0].what, broken[0].actual, config.name, broken[0].limit),
             broken[0].hint});
    const npu::Cost cost = npu::cost(layer.attributes, inputs, output, layer.precision, config);
    return {static_cast<int32_t>(number), cost.macs, cost.moved_bytes, cost.cycles, cost.bandwidth_bound};
}

/// Inputs live from the start, outputs to the end, all others from the layer that makes them to their last reader.
std::vector<Lifetime> lifetimes(const Outline& outline, const std::vector<Dims>& shapes) {
    std::vector<Lifetime> tensors(shapes.size());
    const int64_t end = static_cast<int64_t>(outline.layers.size());
    for (size_t i = 0; i < shapes.size(); ++i)
        tensors[i].size_bytes = element_count(shapes[i]) * outline.element_bytes[i];
    for (size_t step = 0; step < outline.layers.size(); ++step) {
        Lifetime& made = tensors[index_of(outline.layers[step].output)];
        made.first = made.last = static_cast<int64_t>(step);
        for (const npu::TensorId input : outline.layers[step].inputs)
            tensors[index_of(input)].last = static_cast<int64_t>(step);
    }
    for (const npu::TensorId output : outline.outputs) tensors[index_of(output)].last = end;
    return tensors;
}

npu::Program plan_outline(const Outline& outline, const npu::Config& config, const std::vector<Dims>& input_shapes,
                          const Deadline& deadline) {
    npu::Program program;
    program.shapes = outline.shapes;
    if (!input_shapes.empty()) {
        if (input_shapes.size() != outline.inputs.size())
            throw Error({"LAYER_SHAPE", "the network's inputs",
                         fmt::format("{} shapes for {} inputs", input_shapes.size(), outline.inputs.size())});
        for (size_t i = 0; i < input_shapes.size(); ++i) {
            Dims& shape = program.shapes[index_of(outline.inputs[i])];
            check_channels(input_shapes[i], shape, fmt::format("`{}`", outline.input_values[i]));
            shape = input_shapes[i];
        }
    }
    // The order of the network is the order of the graph: producers before readers, branches one after the other.
    for (size_t i = 0; i < outline.layers.size(); ++i) {
        deadline.check();
        program.steps.push_back(plan_layer(outline.layers[i], i, program.shapes, config));
        program.cycles += program.steps.back().cycles;
        program.macs += program.steps.back().macs;
    }
    MemoryPlan memory = place(lifetimes(outline, program.shapes));
    program.placement = std::move(memory.placement);
    program.arena_bytes = memory.arena_bytes;
    program.lower_bound_bytes = memory.lower_bound_bytes;
    return program;
}

}  // namespace

npu::Program plan(const npu::Network& network, const npu::Config& config, const std::vector<Dims>& input_shapes,
                  const Deadline& deadline) {
    return plan_outline(outline(network), config, input_shapes, deadline);
}

npu::Program plan(const npu::FloatNetwork& network, const npu::Config& config, const std::vector<Dims>& input_shapes,
                  const Deadline& deadline) {
    return plan_outline(outline(network), config, input_shapes, deadline);
}

}  // namespace calotype::plan
