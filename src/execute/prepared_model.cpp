#include "execute/prepared_model.hpp"

#include "execute/batch.hpp"
#include "execute/parts.hpp"
#include "execute/stopwatch.hpp"

namespace calotype::execute {
namespace {

/// An output value in the port's own type: an NPU subgraph gives float32 whatever the model's type.
Tensor in_type_of(const Port& port, Tensor tensor) {
    if (port.type == tensor.type() || tensor.type() != DataType::float32) return tensor;
    if (port.type != DataType::uint8 && port.type != DataType::int8) return tensor;
    Tensor whole(port.type, tensor.dims());
    const auto reals = static_cast<const Tensor&>(tensor).values<float>();
    for (size_t i = 0; i < reals.size(); ++i)
        whole.bytes()[i] = static_cast<std::byte>(static_cast<int>(reals[i]) & 0xff);
    return whole;
}

}  // namespace

struct PreparedModel::State {
    const Model& model;
    std::optional<npu::Config> config;
    CpuParts cpu_parts;  // outlives the sessions it opened
    struct Part {
        std::unique_ptr<NpuPart> npu;  // one of the two
        std::unique_ptr<CpuPart> cpu;
    };
    std::vector<Part> parts;
    std::vector<Workspace> workspaces;  // one a worker, kept between calls
    Breaks breaks;

    State(const Model& given, const ort::Access& access, std::optional<npu::Config> npu)
        : model(given), config(std::move(npu)), cpu_parts(access) {}

    Owned run_once(const Values& inputs, size_t count, RunContext& context) {
        Values values = inputs;
        Owned owned;
        for (size_t k = 0; k < count; ++k) {
            if (parts[k].npu) {
                parts[k].npu->run(values, owned, context);
            } else {
                const Stopwatch watch(context.ns(k, &SubgraphNs::onnx_runtime));
                parts[k].cpu->run(values, owned);
            }
        }
        return owned;
    }

    Owned outputs_of(const Values& inputs, RunContext& context) {
        Owned owned = run_once(inputs, parts.size(), context);
        Owned outputs;
        for (const Port& port : model.outputs) {
            for (const std::string& name : held_names(owned, port.name, port.kind))
                outputs.emplace(name, in_type_of(port, std::move(owned.at(name))));
            // An output may be an input handed through.
            for (const std::string& name : held_names(inputs, port.name, port.kind))
                outputs.emplace(name, copy_of(inputs.at(name)));
        }
        return outputs;
    }
};

PreparedModel::PreparedModel(const Model& model, emulate::KernelSet kernels, const ort::Access& access,
                             std::optional<npu::Config> config)
    : state_(std::make_unique<State>(model, access, std::move(config))) {
    const npu::Config* npu_config = state_->config ? &*state_->config : nullptr;
    for (size_t k = 0; k < model.subgraphs.size(); ++k) {
        if (const auto* npu = std::get_if<NpuSubgraph>(&model.subgraphs[k])) {
            state_->parts.push_back({std::make_unique<NpuPart>(model, *npu, k, kernels, npu_config), nullptr});
        } else {
            state_->parts.push_back(
                {nullptr, state_->cpu_parts.make(model, std::get<CpuSubgraph>(model.subgraphs[k]))});
        }
    }
}
PreparedModel::~PreparedModel() = default;
PreparedModel::PreparedModel(PreparedModel&&) noexcept = default;

std::map<std::string, Tensor> PreparedModel::run(const std::map<std::string, TensorView>& inputs, ThreadPool& pool,
                                                 const Hooks& hooks) {
    State& state = *state_;
    const int64_t runs = count_runs(state.model, inputs);
    state.workspaces.resize(std::max(state.workspaces.size(), static_cast<size_t>(pool.threads())));
    std::vector<Owned> results(static_cast<size_t>(runs));
    std::vector<Breaks> breaks(static_cast<size_t>(runs));
    const auto run_one = [&](int64_t run, int worker) {
        RunContext context{state.workspaces[static_cast<size_t>(worker)], runs == 1 ? &pool : nullptr, hooks, {}};
        results[static_cast<size_t>(run)] = state.outputs_of(inputs_of_run(state.model, inputs, run), context);
        breaks[static_cast<size_t>(run)] = context.breaks;
    };
    if (runs == 1)
        run_one(0, 0);
    else
        pool.for_each(runs, run_one);
    for (const Breaks& of_run : breaks) state.breaks.add(of_run);
    if (runs == 1) return std::move(results[0]);
    std::map<std::string, Tensor> joined;
    for (const Port& output : state.model.outputs) {
        std::vector<Tensor> parts;
        for (Owned& result : results) parts.push_back(std::move(result.at(output.name)));
        joined.emplace(output.name, join(state.model, output, std::move(parts)));
    }
    return joined;
}

std::map<std::string, Tensor> PreparedModel::run_prefix(const std::map<std::string, TensorView>& inputs,
                                                        size_t subgraph_count, ThreadPool& pool, const Hooks& hooks) {
    State& state = *state_;
    CALOTYPE_ASSERT(subgraph_count <= state.parts.size(), "a prefix is no longer than the list of subgraphs");
    state.workspaces.resize(std::max<size_t>(state.workspaces.size(), 1));
    RunContext context{state.workspaces[0], &pool, hooks, {}};
    return state.run_once(inputs, subgraph_count, context);
}

BrokenInputs PreparedModel::broken_inputs() const { return {state_->breaks.values, state_->breaks.example}; }

}  // namespace calotype::execute
