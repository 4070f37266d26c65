#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/cpu.hpp"
#include "calotype/snapshot.hpp"
#include "runtime/golden.hpp"
#include "runtime/load.hpp"
#include "runtime/ports.hpp"
#include "snapshot/json_object.hpp"

namespace calotype {
namespace {

double median(std::vector<double> values) {
    std::ranges::sort(values);
    const size_t half = values.size() / 2;
    return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double mean(const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// The golden inputs, or zeros: the time of integer layers does not depend on what they compute.
std::map<std::string, Tensor> inputs_for(const snapshot::Contents& contents) {
    if (contents.golden) return contents.golden->inputs;
    std::map<std::string, Tensor> inputs;
    runtime::require_known_inputs(contents.model);
    for (const execute::Port& port : contents.model.inputs)
        if (port.kind == Kind::tensor) inputs.emplace(port.name, Tensor(port.type, port.made_for));
    return inputs;
}

std::vector<execute::SubgraphNs> zeroed(const execute::Model& model) {
    std::vector<execute::SubgraphNs> ns(model.subgraphs.size());
    for (size_t k = 0; k < model.subgraphs.size(); ++k) {
        if (const auto* npu = std::get_if<execute::NpuSubgraph>(&model.subgraphs[k]))
            ns[k].layers.resize(npu->network.layers.size());
    }
    return ns;
}

/// The parts in the order of a run, without times.
std::vector<PartTime> parts_of(const execute::Model& model) {
    std::vector<PartTime> parts;
    for (size_t k = 0; k < model.subgraphs.size(); ++k) {
        const std::string name = execute::name_of(model.subgraphs[k], k);
        const auto* npu = std::get_if<execute::NpuSubgraph>(&model.subgraphs[k]);
        if (npu == nullptr) {
            parts.push_back({name, "ONNX Runtime", 0, 0, 0});
            continue;
        }
        parts.push_back({name + " inputs", "boundary", 0, 0, 0});
        for (const npu::Layer& layer : npu->network.layers) {
            const Dims& shape = npu->program.shapes[static_cast<size_t>(layer.output)];
            parts.push_back({fmt::format("{}/{}", name, layer.name), npu::kind_name(layer.attributes), 0, 0,
                             npu::macs(layer.attributes, shape)});
        }
        parts.push_back({name + " outputs", "boundary", 0, 0, 0});
    }
    parts.push_back({"copies and joined results", "rest", 0, 0, 0});
    return parts;
}

/// One round's milliseconds in the order of parts_of.
std::vector<double> part_ms(const execute::Model& model, const std::vector<execute::SubgraphNs>& ns, double whole_ms) {
    std::vector<double> row;
    const auto add = [&](int64_t part_ns) { row.push_back(1e-6 * static_cast<double>(part_ns)); };
    for (size_t k = 0; k < model.subgraphs.size(); ++k) {
        if (!std::holds_alternative<execute::NpuSubgraph>(model.subgraphs[k])) {
            add(ns[k].onnx_runtime);
            continue;
        }
        add(ns[k].to_codes);
        for (const int64_t layer : ns[k].layers) add(layer);
        add(ns[k].to_reals);
    }
    row.push_back(std::max(0.0, whole_ms - std::accumulate(row.begin(), row.end(), 0.0)));
    return row;
}

double predicted_ms(const std::string& report_json) {
    return snapshot::from_report(snapshot::report_of(report_json), [](const nlohmann::json& report) {
        return 1e-3 * report.value("totals", nlohmann::json::object()).value("latency_us", 0.0);
    });
}

}  // namespace

BenchResult bench(const std::filesystem::path& path, int64_t rounds, bool parts, const RunnerOptions& options) {
    if (rounds < 1 || rounds > 1000000) {
        throw Error(
            {"OPTION_VALUE", "`--rounds`", fmt::format("{} is out of range, 1 to 1000000 are allowed", rounds)});
    }
    using Clock = std::chrono::steady_clock;
    const snapshot::Contents contents = runtime::load(path, options.npu, options.limits);
    const emulate::KernelSet kernels = emulate::resolve(emulate::kernel_set(options.kernels));
    ThreadPool pool(runtime::thread_count(options.threads));
    execute::PreparedModel prepared(contents.model, kernels, {options.ort_library, options.limits});
    const std::map<std::string, Tensor> inputs = inputs_for(contents);
    const std::map<std::string, TensorView> views(inputs.begin(), inputs.end());
    for (int i = 0; i < 3; ++i) prepared.run(views, pool);  // caches, pages, clock

    BenchResult result;
    if (parts) result.parts = parts_of(contents.model);
    std::vector<double> times;
    for (int64_t round = 0; round < rounds; ++round) {
        auto ns = zeroed(contents.model);
        execute::Hooks hooks;
        if (parts) hooks.ns = &ns;
        const auto start = Clock::now();
        prepared.run(views, pool, hooks);
        times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
        if (!parts) continue;
        const std::vector<double> row = part_ms(contents.model, ns, times.back());
        for (size_t i = 0; i < row.size(); ++i) {
            PartTime& part = result.parts[i];
            part.mean_ms += row[i] / static_cast<double>(rounds);
            part.best_ms = round == 0 ? row[i] : std::min(part.best_ms, row[i]);
        }
    }
    result.best_ms = *std::ranges::min_element(times);
    result.median_ms = median(times);
    result.mean_ms = mean(times);
    result.predicted_ms = predicted_ms(contents.report_json);
    result.rounds = rounds;
    result.isa = fmt::format("{}, kernels {}, {} threads", cpu::isa_name(), emulate::name_of(kernels), pool.threads());
    return result;
}

}  // namespace calotype
