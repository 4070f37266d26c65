#include "execute/npu_sizes.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plan/plan.hpp"

namespace calotype::execute {
namespace {

constexpr size_t kKept = 16;  // sizes beside the program's own: weights are packed once a size

size_t at(npu::TensorId id) { return static_cast<size_t>(id); }

bool is_of(const std::vector<npu::Placement>& inputs, const std::vector<Dims>& dims) {
    return std::ranges::equal(inputs, dims, holds);
}

}  // namespace

NpuSizes::NpuSizes(const Model& model, const NpuSubgraph& subgraph, emulate::KernelSet kernels,
                   const npu::Config* config)
    : model_(model), subgraph_(subgraph), kernels_(kernels), config_(config) {
    own_ = make(subgraph.network.inputs, subgraph.network.outputs, subgraph.program);
}

std::shared_ptr<const NpuSize> NpuSizes::at(const std::vector<Dims>& dims) const {
    if (is_of(own_->inputs, dims)) return own_;
    const std::lock_guard lock(guard_);
    const auto known = std::ranges::find_if(others_, [&](const auto& size) { return is_of(size->inputs, dims); });
    if (known != others_.end()) {
        others_.splice(others_.begin(), others_, known);
        return others_.front();
    }
    others_.push_front(planned(dims));
    if (others_.size() > kKept) others_.pop_back();
    return others_.front();
}

std::shared_ptr<const NpuSize> NpuSizes::make(std::vector<npu::Placement> inputs, std::vector<npu::Placement> outputs,
                                              npu::Program program) const {
    std::vector<Conversion> to_codes, to_reals;
    for (const npu::Placement& input : inputs) to_codes.push_back(conversion(model_.inputs, input));
    for (const npu::Placement& output : outputs) to_reals.push_back(conversion(model_.outputs, output));
    return std::make_shared<const NpuSize>(NpuSize{std::move(inputs),
                                                   std::move(outputs),
                                                   std::move(to_codes),
                                                   std::move(to_reals),
                                                   {subgraph_.network, std::move(program), kernels_}});
}

std::shared_ptr<const NpuSize> NpuSizes::planned(const std::vector<Dims>& dims) const {
    const npu::Network& network = subgraph_.network;
    const auto& shapes = subgraph_.program.shapes;
    std::vector<npu::Placement> inputs, outputs;
    std::vector<Dims> input_shapes;
    for (size_t i = 0; i < network.inputs.size(); ++i) {
        const npu::Placement& input = network.inputs[i];
        if (!model_.one_size.empty()) refuse(i, dims[i], model_.one_size);  // of an inner value
        const auto end = resized_to_dims({input, shapes[execute::at(input.tensor)]}, dims[i]);
        if (!end) refuse(i, dims[i], "the order of its axes on the NPU holds the size");
        inputs.push_back(end->placement);
        input_shapes.push_back(end->shape);
    }
    npu::Program program = program_at(input_shapes, dims[0]);
    for (const npu::Placement& output : network.outputs) {
        const auto end =
            resized_to_shape({output, shapes[execute::at(output.tensor)]}, program.shapes[execute::at(output.tensor)]);
        if (!end) refuse(0, dims[0], fmt::format("the order of the axes of `{}` holds the size", output.value));
        outputs.push_back(end->placement);
    }
    return make(std::move(inputs), std::move(outputs), std::move(program));
}

/// The snapshot's own where it has one of this size.
npu::Program NpuSizes::program_at(const std::vector<Dims>& input_shapes, const Dims& dims) const {
    const npu::Network& network = subgraph_.network;
    for (const npu::Program& program : subgraph_.more_programs) {
        const auto shape = [&](const npu::Placement& input) { return program.shapes[execute::at(input.tensor)]; };
        if (std::ranges::equal(network.inputs, input_shapes, {}, shape)) return program;
    }
    if (config_ == nullptr) refuse(0, dims, "no NPU configuration is at hand to plan another size with");
    try {
        return plan::plan(network, *config_, input_shapes);
    } catch (const Error& error) {
        refuse(0, dims, fmt::format("{}: {}", error.text().subject, error.text().fact));
    }
}

void NpuSizes::refuse(size_t input, const Dims& dims, const std::string& cause) const {
    const npu::Placement& placement = subgraph_.network.inputs[input];
    std::string made_for = to_string(placement.dims);
    for (const Port& port : model_.inputs)
        if (port.name == placement.value) made_for = sizes_of(port);
    throw Error({"INPUT_SIZE", fmt::format("value `{}`", placement.value),
                 fmt::format("its shape is {}, the snapshot holds programs for {} and cannot be planned anew: {}",
                             to_string(dims), made_for, cause),
                 "give such a shape, or compile with samples of the other size"});
}

Conversion NpuSizes::conversion(const std::vector<Port>& ports, const npu::Placement& placement) const {
    Boundary boundary = Boundary::quantized;
    for (const Port& port : ports) {
        if (port.name == placement.value && port.boundary != Boundary::plain) boundary = port.boundary;
    }
    return {placement, subgraph_.network.tensors[execute::at(placement.tensor)].quantization, boundary};
}

}  // namespace calotype::execute
