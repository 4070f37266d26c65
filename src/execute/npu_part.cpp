#include "execute/parts.hpp"
#include "execute/stopwatch.hpp"

namespace calotype::execute {
Tensor as_float(const TensorView& view) { return Tensor::of<float>(view.dims, to_floats(copy_of(view))); }

NpuPart::NpuPart(const Model& model, const NpuSubgraph& subgraph, size_t index, emulate::KernelSet kernels,
                 const npu::Config* config)
    : network_(subgraph.network), index_(index), sizes_(model, subgraph, kernels, config) {}

void NpuPart::run(Values& values, Owned& owned, RunContext& context) const {
    const std::vector<TensorView> sources = sources_of(values, owned, context);
    std::vector<Dims> dims;
    for (const TensorView& source : sources) dims.push_back(source.dims);
    const auto size = sizes_.at(dims);
    std::vector<Tensor> results;
    for (const npu::Placement& placement : size->outputs) results.emplace_back(placement.type, placement.dims);
    const int64_t samples = network_.outputs.empty() ? 0 : network_.outputs[0].dims[0];
    for (int64_t sample = 0; sample < samples; ++sample) run_sample(*size, sources, sample, results, context);
    for (size_t i = 0; i < results.size(); ++i) {
        const std::string& name = network_.outputs[i].value;
        owned[name] = std::move(results[i]);
        values[name] = owned[name];
    }
}

/// The values read, as float32, bytes or codes: what the conversions take.
std::vector<TensorView> NpuPart::sources_of(const Values& values, Owned& owned, const RunContext& context) const {
    const Stopwatch watch(context.ns(index_, &SubgraphNs::to_codes));
    std::vector<TensorView> sources;
    for (const npu::Placement& placement : network_.inputs) {
        const auto value = values.find(placement.value);
        if (value == values.end())  // of a snapshot that was not made by `compile`
            throw Error(
                {"INPUT_TYPE", fmt::format("value `{}`", placement.value), "the NPU reads it, and it is no tensor"});
        TensorView view = value->second;
        const bool codes = placement.type != DataType::float32;
        if (!codes && view.type != DataType::float32 && view.type != DataType::uint8) {
            Tensor& reals = owned["float32 of " + placement.value] = as_float(view);
            view = reals;
        }
        sources.push_back(view);
    }
    return sources;
}

std::vector<std::span<const int8_t>> NpuPart::codes_of(const NpuSize& size, const std::vector<TensorView>& sources,
                                                       int64_t sample, RunContext& context) const {
    const Stopwatch watch(context.ns(index_, &SubgraphNs::to_codes));
    Workspace& work = context.workspace;
    std::vector<std::span<const int8_t>> inputs;
    for (size_t i = 0; i < sources.size(); ++i) {
        const auto count = static_cast<size_t>(size.to_codes[i].elements());
        if (work.inputs[i].size() < count) work.inputs[i].resize(count);
        const std::span<int8_t> codes(work.inputs[i].data(), count);
        const std::byte* from = sources[i].bytes + sample * size.to_codes[i].elements() * bytes_of(sources[i].type);
        if (network_.inputs[i].type != DataType::float32) {
            size.to_codes[i].take_codes(sources[i].type, from, codes);
        } else {
            const Broken broken =
                sources[i].type == DataType::uint8
                    ? size.to_codes[i].to_codes(reinterpret_cast<const uint8_t*>(from), codes, work.spare)
                    : size.to_codes[i].to_codes(reinterpret_cast<const float*>(from), codes, work.spare);
            context.breaks.add(broken, network_.inputs[i].value);
        }
        inputs.push_back(codes);
    }
    return inputs;
}

void NpuPart::run_sample(const NpuSize& size, const std::vector<TensorView>& sources, int64_t sample,
                         std::vector<Tensor>& results, RunContext& context) const {
    Workspace& work = context.workspace;
    work.inputs.resize(std::max(work.inputs.size(), sources.size()));
    work.outputs.resize(std::max(work.outputs.size(), results.size()));
    const std::vector<std::span<const int8_t>> inputs = codes_of(size, sources, sample, context);
    std::vector<std::span<int8_t>> outputs;
    for (size_t i = 0; i < results.size(); ++i) {
        const auto count = static_cast<size_t>(size.to_reals[i].elements());
        if (work.outputs[i].size() < count) work.outputs[i].resize(count);
        outputs.emplace_back(work.outputs[i].data(), count);
    }
    size.executor.run(inputs, outputs, work.arena, options(context, size));
    const Stopwatch watch(context.ns(index_, &SubgraphNs::to_reals));
    for (size_t i = 0; i < results.size(); ++i) {
        if (context.hooks.npu_output) context.hooks.npu_output(index_, i, outputs[i]);
        const DataType type = results[i].type();
        std::byte* target = results[i].bytes().data() + sample * size.to_reals[i].elements() * bytes_of(type);
        if (type == DataType::float32)
            size.to_reals[i].to_reals(outputs[i], reinterpret_cast<float*>(target), work.spare);
        else
            size.to_reals[i].give_codes(type, outputs[i], target);
    }
}

emulate::Executor::Options NpuPart::options(RunContext& context, const NpuSize& size) const {
    emulate::Executor::Options options;
    options.pool = context.pool;
    if (context.hooks.after_layer) {
        options.after_layer = [this, &context, &size](size_t layer, std::span<const int8_t> codes) {
            const npu::TensorId output = network_.layers[layer].output;
            context.hooks.after_layer(index_, layer, codes, size.executor.program().shapes[npu::index_of(output)]);
        };
    }
    if (context.hooks.ns != nullptr) options.layer_ns = &(*context.hooks.ns)[index_].layers;
    return options;
}

}  // namespace calotype::execute
