#include "execute/prepared_model.hpp"

#include <fmt/format.h>

#include <cstring>
#include <set>

#include "emulate/executor.hpp"
#include "execute/batch.hpp"
#include "execute/boundary.hpp"
#include "ort/library.hpp"
#include "ort/session.hpp"

namespace calotype::execute {
namespace {

using Values = std::map<std::string, TensorView>;
using Owned = std::map<std::string, Tensor>;

/// What one worker needs to itself.
struct Workspace {
    emulate::Arena arena;
    std::vector<std::vector<int8_t>> inputs, outputs;
    std::vector<float> spare;
};

/// A broken value with the input it stood in; counted in order of runs.
struct Breaks {
    int64_t values = 0;
    std::string example;
    void add(const Broken& broken, const std::string& input) {
        if (values == 0 && broken.values > 0) example = fmt::format("input `{}`: {}", input, broken.example);
        values += broken.values;
    }
    void add(const Breaks& other) {
        if (values == 0) example = other.example;
        values += other.values;
    }
};

struct RunContext {
    Workspace& workspace;
    ThreadPool* pool;  // null where the runs themselves are parallel
    const Hooks& hooks;
    Breaks breaks;
};

Tensor copy_of(const TensorView& view) {
    const auto bytes = static_cast<size_t>(element_count(view.dims) * bytes_of(view.type));
    return Tensor(view.type, view.dims, std::vector<std::byte>(view.bytes, view.bytes + bytes));
}

Tensor as_float(const TensorView& view) {
    return Tensor::of<float>(view.dims, to_floats(copy_of(view)));
}

class NpuPart {
  public:
    NpuPart(const Model& model, const NpuSubgraph& subgraph, size_t index, emulate::KernelSet kernels)
        : network_(subgraph.network), index_(index), executor_(subgraph.network, subgraph.program, kernels) {
        for (const npu::Placement& placement : network_.inputs) inputs_.push_back(conversion(model.inputs, placement));
        for (const npu::Placement& placement : network_.outputs) outputs_.push_back(conversion(model.outputs, placement));
    }

    void run(Values& values, Owned& owned, RunContext& context) const {
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

  private:
    Conversion conversion(const std::vector<Port>& ports, const npu::Placement& placement) const {
        Boundary boundary = Boundary::quantized;
        for (const Port& port : ports) {
            if (port.name == placement.value && port.boundary != Boundary::plain) boundary = port.boundary;
        }
        return {placement, network_.tensors[static_cast<size_t>(placement.tensor)].quantization, boundary};
    }

    /// The values read, as float32 or bytes: what the conversions take.
    std::vector<TensorView> sources_of(const Values& values, Owned& owned) const {
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

    [[noreturn]] static void refuse_shape(const npu::Placement& placement, const TensorView& view) {
        throw Error({"INPUT_SHAPE", fmt::format("value `{}`", placement.value),
                     fmt::format("its shape is {}, the snapshot holds a program for {}", to_string(view.dims), to_string(placement.dims)),
                     "give that shape, or compile with `--shape`"});
    }

    void run_sample(const std::vector<TensorView>& sources, int64_t sample, std::vector<Tensor>& results, RunContext& context) const {
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

    emulate::Executor::Options options(RunContext& context) const {
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

    const npu::Network& network_;
    size_t index_;
    emulate::Executor executor_;
    std::vector<Conversion> inputs_, outputs_;
};

class CpuPart {
  public:
    CpuPart(const Model& model, const CpuSubgraph& subgraph, const ort::Library& library)
        : subgraph_(subgraph), session_(library, std::as_bytes(std::span(subgraph.onnx_bytes)), {}) {
        for (const Port& port : model.inputs) {
            if (port.type == DataType::float32) float_inputs_.insert(port.name);
        }
    }

    void run(Values& values, Owned& owned) {
        Owned inputs;
        for (const std::string& name : subgraph_.inputs) {
            const TensorView& view = values.at(name);
            const bool convert = float_inputs_.contains(name) && view.type != DataType::float32;
            inputs.emplace(name, convert ? as_float(view) : copy_of(view));
        }
        for (auto& [name, tensor] : session_.run(inputs, subgraph_.outputs)) {
            owned[name] = std::move(tensor);
            values[name] = owned[name];
        }
    }

  private:
    const CpuSubgraph& subgraph_;
    ort::Session session_;
    std::set<std::string> float_inputs_;  // of the model: the caller may have given whole numbers
};

using Part = std::variant<NpuPart, CpuPart>;

/// An output value in the port's own type: an NPU subgraph gives float32 whatever the model's type.
Tensor in_type_of(const Port& port, Tensor tensor) {
    if (port.type == tensor.type() || tensor.type() != DataType::float32) return tensor;
    if (port.type != DataType::uint8 && port.type != DataType::int8) return tensor;
    Tensor whole(port.type, tensor.dims());
    const auto reals = std::as_const(tensor).values<float>();
    for (size_t i = 0; i < reals.size(); ++i) whole.bytes()[i] = static_cast<std::byte>(static_cast<int>(reals[i]) & 0xff);
    return whole;
}

}  // namespace

struct PreparedModel::State {
    const Model& model;
    std::vector<std::unique_ptr<Part>> parts;
    std::vector<Workspace> workspaces;  // one a worker, kept between calls
    Breaks breaks;

    explicit State(const Model& given) : model(given) {}

    Owned run_once(const Values& inputs, size_t count, RunContext& context) {
        Values values = inputs;
        Owned owned;
        for (size_t k = 0; k < count; ++k) {
            if (auto* npu = std::get_if<NpuPart>(parts[k].get())) npu->run(values, owned, context);
            else std::get<CpuPart>(*parts[k]).run(values, owned);
        }
        return owned;
    }

    std::vector<Tensor> outputs_of(const Values& inputs, RunContext& context) {
        Owned owned = run_once(inputs, parts.size(), context);
        std::vector<Tensor> outputs;
        for (const Port& port : model.outputs) {
            const auto made = owned.find(port.name);
            // An output may be an input handed through.
            outputs.push_back(made == owned.end() ? copy_of(inputs.at(port.name)) : in_type_of(port, made->second));
        }
        return outputs;
    }
};

PreparedModel::PreparedModel(const Model& model, emulate::KernelSet kernels, const std::optional<std::filesystem::path>& ort_library)
    : state_(std::make_unique<State>(model)) {
    std::optional<ort::Library> library;
    for (size_t k = 0; k < model.subgraphs.size(); ++k) {
        if (const auto* npu = std::get_if<NpuSubgraph>(&model.subgraphs[k])) {
            state_->parts.push_back(std::make_unique<Part>(std::in_place_type<NpuPart>, model, *npu, k, kernels));
        } else {
            if (!library) library = ort::Library::load(ort_library);
            state_->parts.push_back(
                std::make_unique<Part>(std::in_place_type<CpuPart>, model, std::get<CpuSubgraph>(model.subgraphs[k]), *library));
        }
    }
}
PreparedModel::~PreparedModel() = default;
PreparedModel::PreparedModel(PreparedModel&&) noexcept = default;

std::map<std::string, Tensor> PreparedModel::run(const std::map<std::string, TensorView>& inputs, ThreadPool& pool, const Hooks& hooks) {
    State& state = *state_;
    const int64_t runs = count_runs(state.model, inputs);
    state.workspaces.resize(std::max(state.workspaces.size(), static_cast<size_t>(pool.threads())));
    std::vector<std::vector<Tensor>> results(static_cast<size_t>(runs));
    std::vector<Breaks> breaks(static_cast<size_t>(runs));
    const auto run_one = [&](int64_t run, int worker) {
        RunContext context{state.workspaces[static_cast<size_t>(worker)], runs == 1 ? &pool : nullptr, hooks, {}};
        results[static_cast<size_t>(run)] = state.outputs_of(inputs_of_run(state.model, inputs, run), context);
        breaks[static_cast<size_t>(run)] = context.breaks;
    };
    if (runs == 1) run_one(0, 0);
    else pool.for_each(runs, run_one);
    for (const Breaks& of_run : breaks) state.breaks.add(of_run);
    std::map<std::string, Tensor> joined;
    for (size_t i = 0; i < state.model.outputs.size(); ++i) {
        std::vector<Tensor> parts;
        for (std::vector<Tensor>& result : results) parts.push_back(std::move(result[i]));
        joined.emplace(state.model.outputs[i].name, join(state.model, state.model.outputs[i], std::move(parts)));
    }
    return joined;
}

std::map<std::string, Tensor> PreparedModel::run_prefix(const std::map<std::string, TensorView>& inputs, size_t subgraph_count,
                                                        ThreadPool& pool, const Hooks& hooks) {
    State& state = *state_;
    CALOTYPE_ASSERT(subgraph_count <= state.parts.size(), "a prefix is no longer than the list of subgraphs");
    state.workspaces.resize(std::max<size_t>(state.workspaces.size(), 1));
    RunContext context{state.workspaces[0], &pool, hooks, {}};
    return state.run_once(inputs, subgraph_count, context);
}

BrokenInputs PreparedModel::broken_inputs() const { return {state_->breaks.values, state_->breaks.example}; }

}  // namespace calotype::execute
