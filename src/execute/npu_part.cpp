#include "execute/parts.hpp"

namespace calotype::execute {
namespace {

[[noreturn]] void refuse_shape(const npu::Placement& placement, const TensorView& view) {
    throw Error({"INPUT_SHAPE", fmt::format("value `{}`", placement.value),
                 fmt::format("its shape is {}, the snapshot holds a program for {}", to_string(view.dims),
                             to_string(placement.dims)),
                 "give that shape, or compile with `--shape`"});
}

}  // namespace

Tensor copy_of(const TensorView& view) {
    const auto bytes = static_cast<size_t>(element_count(view.dims) * bytes_of(view.type));
    return Tensor(view.type, view.dims, std::vector<std::byte>(view.bytes, view.bytes + bytes));
}

Tensor as_float(const TensorView& view) { return Tensor::of<float>(view.dims, to_floats(copy_of(view))); }

NpuPart::NpuPart(const Model& model, const NpuSubgraph& subgraph, size_t index, emulate::KernelSet kernels)
    : network_(subgraph.network), index_(index), executor_(subgraph.network, subgraph.program, kernels) {
    for (const npu::Placement& placement : network_.inputs) inputs_.push_back(conversion(model.inputs, placement));
    for (const npu::Placement& placement : network_.outputs) outputs_.push_back(conversion(model.outputs, placement));
}

void NpuPart::run(Values& values, Owned& owned, RunContext& context) const {
    std::vector<Tensor> results;
    for (const npu::Placement& placement : network_.outputs) results.emplace_back(DataType::float32, placement.dims);
    const std::vector<TensorView> sources = sources_of(values, owned);
    const int64_t samples = network_.outputs.empty() ? 0 : network_.outputs[0].dims[0];
    for (int64_t sample = 0; sample < samples; ++sample) run_sample(sources, sample, results, context);
    for (size_t i = 0; i < results.size(); ++i) {
        const std::string& name = network_.outputs[i].value;
        owned[name] = std::move(results[i]);
        values[name] = owned[name];
    }
}

Conversion NpuPart::conversion(const std::vector<Port>& ports, const npu::Placement& placement) const {
    Boundary boundary = Boundary::quantized;
    for (const Port& port : ports) {
        if (port.name == placement.value && port.boundary != Boundary::plain) boundary = port.boundary;
    }
    return {placement, network_.tensors[static_cast<size_t>(placement.tensor)].quantization, boundary};
}

/// The values read, as float32 or bytes: what the conversions take.
std::vector<TensorView> NpuPart::sources_of(const Values& values, Owned& owned) const {
    std::vector<TensorView> sources;
    for (const npu::Placement& placement : network_.inputs) {
        TensorView view = values.at(placement.value);
        if (element_count(view.dims) != element_count(placement.dims)) refuse_shape(placement, view);
        if (view.type != DataType::float32 && view.type != DataType::uint8) {
            Tensor& reals = owned["float32 of " + placement.value] = as_float(view);
            view = reals;
        }
        sources.push_back(view);
    }
    return sources;
}

void NpuPart::run_sample(const std::vector<TensorView>& sources, int64_t sample, std::vector<Tensor>& results,
                         RunContext& context) const {
    Workspace& work = context.workspace;
    work.inputs.resize(std::max(work.inputs.size(), sources.size()));
    work.outputs.resize(std::max(work.outputs.size(), results.size()));
    std::vector<std::span<const int8_t>> inputs;
    for (size_t i = 0; i < sources.size(); ++i) {
        const auto count = static_cast<size_t>(inputs_[i].elements());
        if (work.inputs[i].size() < count) work.inputs[i].resize(count);
        const std::span<int8_t> codes(work.inputs[i].data(), count);
        const std::byte* from = sources[i].bytes + sample * inputs_[i].elements() * bytes_of(sources[i].type);
        const Broken broken = sources[i].type == DataType::uint8
                                  ? inputs_[i].to_codes(reinterpret_cast<const uint8_t*>(from), codes, work.spare)
                                  : inputs_[i].to_codes(reinterpret_cast<const float*>(from), codes, work.spare);
        context.breaks.add(broken, network_.inputs[i].value);
        inputs.push_back(codes);
    }
    std::vector<std::span<int8_t>> outputs;
    for (size_t i = 0; i < results.size(); ++i) {
        const auto count = static_cast<size_t>(outputs_[i].elements());
        if (work.outputs[i].size() < count) work.outputs[i].resize(count);
        outputs.emplace_back(work.outputs[i].data(), count);
    }
    executor_.run(inputs, outputs, work.arena, options(context));
    for (size_t i = 0; i < results.size(); ++i) {
        if (context.hooks.npu_output) context.hooks.npu_output(index_, i, outputs[i]);
        float* target = results[i].values<float>().data() + sample * outputs_[i].elements();
        outputs_[i].to_reals(outputs[i], target, work.spare);
    }
}

emulate::Executor::Options NpuPart::options(RunContext& context) const {
    emulate::Executor::Options options;
    options.pool = context.pool;
    if (context.hooks.after_layer) {
        options.after_layer = [this, &context](size_t layer, std::span<const int8_t> codes) {
            context.hooks.after_layer(index_, layer, codes);
        };
    }
    if (context.hooks.layer_ns != nullptr) options.layer_ns = &(*context.hooks.layer_ns)[index_];
    return options;
}

}  // namespace calotype::execute
