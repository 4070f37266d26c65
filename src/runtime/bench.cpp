#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/cpu.hpp"
#include "calotype/snapshot.hpp"
#include "runtime/golden.hpp"
#include "runtime/load.hpp"

namespace calotype {
namespace {

double median(std::vector<double> values) {
    std::ranges::sort(values);
    const size_t half = values.size() / 2;
    return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

/// The golden inputs, or zeros: the time of integer layers does not depend on what they compute.
std::map<std::string, Tensor> inputs_for(const snapshot::Contents& contents) {
    if (contents.golden) return contents.golden->inputs;
    std::map<std::string, Tensor> inputs;
    for (const execute::Port& port : contents.model.inputs) inputs.emplace(port.name, Tensor(port.type, port.made_for));
    return inputs;
}

/// Per round and layer, in milliseconds.
using LayerRounds = std::vector<std::vector<double>>;

std::vector<std::vector<int64_t>> zeroed(const execute::Model& model) {
    std::vector<std::vector<int64_t>> layer_ns(model.subgraphs.size());
    for (size_t k = 0; k < model.subgraphs.size(); ++k) {
        if (const auto* npu = std::get_if<execute::NpuSubgraph>(&model.subgraphs[k]))
            layer_ns[k].resize(npu->network.layers.size());
    }
    return layer_ns;
}

std::vector<LayerTime> layer_times(const execute::Model& model, const LayerRounds& rounds) {
    std::vector<LayerTime> times;
    for (size_t k = 0; k < model.subgraphs.size(); ++k) {
        const auto* npu = std::get_if<execute::NpuSubgraph>(&model.subgraphs[k]);
        if (npu == nullptr) continue;
        for (size_t i = 0; i < npu->network.layers.size(); ++i) {
            const npu::Layer& layer = npu->network.layers[i];
            std::vector<double> of_layer;
            for (const std::vector<double>& round : rounds) of_layer.push_back(round[times.size()]);
            const Dims& shape = npu->program.shapes[static_cast<size_t>(layer.output)];
            times.push_back({fmt::format("{}/{}", execute::name_of(model.subgraphs[k], k), layer.name),
                             npu::kind_name(layer.attributes), *std::ranges::min_element(of_layer), median(of_layer),
                             npu::macs(layer.attributes, shape)});
        }
    }
    return times;
}

}  // namespace

BenchResult bench(const std::filesystem::path& path, int64_t rounds, bool layers, const RunnerOptions& options) {
    if (rounds < 1 || rounds > 1000000) {
        throw Error(
            {"OPTION_VALUE", "`--rounds`", fmt::format("{} is out of range, 1 to 1000000 are allowed", rounds)});
    }
    using Clock = std::chrono::steady_clock;
    const snapshot::Contents contents = runtime::load(path, options.npu);
    const emulate::KernelSet kernels = emulate::resolve(emulate::kernel_set(options.kernels));
    ThreadPool pool(runtime::thread_count(options.threads));
    execute::PreparedModel prepared(contents.model, kernels, options.ort_library);
    const std::map<std::string, Tensor> inputs = inputs_for(contents);
    const std::map<std::string, TensorView> views(inputs.begin(), inputs.end());
    for (int i = 0; i < 3; ++i) prepared.run(views, pool);  // caches, pages, clock

    std::vector<double> times;
    LayerRounds layer_rounds;
    for (int64_t round = 0; round < rounds; ++round) {
        auto layer_ns = zeroed(contents.model);
        execute::Hooks hooks;
        if (layers) hooks.layer_ns = &layer_ns;
        const auto start = Clock::now();
        prepared.run(views, pool, hooks);
        times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
        if (!layers) continue;
        std::vector<double>& row = layer_rounds.emplace_back();
        for (const auto& subgraph : layer_ns) {
            for (const int64_t ns : subgraph) row.push_back(static_cast<double>(ns) * 1e-6);
        }
    }
    BenchResult result{
        *std::ranges::min_element(times),
        median(times),
        rounds,
        fmt::format("{}, kernels {}, {} threads", cpu::isa_name(), emulate::name_of(kernels), pool.threads()),
        {}};
    if (layers) result.layers = layer_times(contents.model, layer_rounds);
    return result;
}

}  // namespace calotype
