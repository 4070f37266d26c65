// `verify` with a model and samples: each layer's error measured anew.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/hash.hpp"
#include "calotype/compile.hpp"
#include "compiler/check_options.hpp"
#include "compiler/host_nodes.hpp"
#include "compiler/sizes.hpp"
#include "compiler/value_errors.hpp"
#include "compiler/values.hpp"
#include "onnx/write.hpp"
#include "runtime/load.hpp"

namespace calotype {
namespace {

using nlohmann::json;

[[noreturn]] void another_model(const std::filesystem::path& model, std::string fact) {
    throw Error(
        {"VERIFY_MODEL", fmt::format("`{}`", model.string()), std::move(fact), "give the model that was compiled"});
}

/// Names first: they say more than a hash.
void check_model(const graph::Graph& graph, const snapshot::Contents& contents, const std::filesystem::path& model) {
    const auto check_ports = [&](const char* word, const std::vector<graph::ValueId>& ids,
                                 const std::vector<execute::Port>& ports) {
        for (const graph::ValueId id : ids)
            if (std::ranges::find(ports, graph.value(id).name, &execute::Port::name) == ports.end())
                another_model(model, fmt::format("it has the {} `{}`, the snapshot has none of that name", word,
                                                 graph.value(id).name));
        for (const execute::Port& port : ports)
            if (std::ranges::none_of(ids, [&](graph::ValueId id) { return graph.value(id).name == port.name; }))
                another_model(model, fmt::format("it has no {} `{}`, the snapshot has", word, port.name));
    };
    check_ports("input", graph.inputs, contents.model.inputs);
    check_ports("output", graph.outputs, contents.model.outputs);
    const std::string found = sha256(onnx::write(graph));
    if (found != contents.model_sha256)
        another_model(model, fmt::format("its content is not what was compiled: its SHA-256 is {:.12}..., the "
                                         "snapshot was made from {:.12}...",
                                         found, contents.model_sha256));
}

const npu::FloatNetwork& network_of(const compiler::Front& front, size_t index, const npu::Network& network,
                                    const std::filesystem::path& model) {
    const auto& parts = front.plan.subgraphs;
    if (index >= parts.size() || !quantize::made_from(parts[index].network, network))
        another_model(model, "its layers are not those of the snapshot");
    return parts[index].network;
}

json to_json(const compiler::ValueError& error) {
    json entry{{"name", error.name}};
    if (!error.subgraph.empty()) entry["subgraph"] = error.subgraph;
    if (error.other_shapes > 0) entry["samples_of_another_shape"] = error.other_shapes;
    if (error.real)
        entry["snr_db"] = error.snr_db;
    else
        entry["differing_elements"] = error.differ;
    return entry;
}

void check(const MeasureOptions& options, const Samples& samples) {
    if (options.images < 1)
        throw Error({"OPTION_VALUE", "`--images`", fmt::format("it is {}, at least 1 is needed", options.images)});
    if (samples.count() < 1)
        throw Error({"SAMPLE_NONE", "the samples", "there are none, at least 1 is needed",
                     "give --samples with inputs of the model"});
}

}  // namespace

std::string measure(const MeasureOptions& options, const Samples& samples) {
    const snapshot::Contents contents = snapshot::read(options.snapshot, {}, options.limits);
    check(options, samples);
    compiler::Dump no_dump;
    const compiler::FrontOptions front_options{options.model,
                                               options.npu.empty() ? contents.npu.name : options.npu,
                                               compiler::disabled_rewrites_of(contents.report_json),
                                               {options.ort_library, options.limits}};
    compiler::Front front =
        compiler::make_front(front_options, samples.at(0), no_dump, compiler::host_nodes_of(contents.report_json));
    check_model(front.file_graph, contents, options.model);
    // The layers then are those of every size, as in the snapshot.
    compiler::find_sizes(front_options, front, samples.at(0));
    ThreadPool pool(runtime::thread_count(options.threads));
    const int64_t count = std::min(options.images, samples.count());
    json layers = json::array();
    for (size_t k = 0; k < contents.model.subgraphs.size(); ++k) {
        const auto* npu = std::get_if<execute::NpuSubgraph>(&contents.model.subgraphs[k]);
        if (npu == nullptr) continue;
        const npu::FloatNetwork& network = network_of(front, k, npu->network, options.model);
        const quantize::Calibration calibration =
            compiler::calibration_of(front_options, front, contents.model, k, samples, count);
        const auto errors = quantize::measure(network, npu->network, calibration, pool);
        for (const quantize::LayerError& error : errors)
            layers.push_back({{"subgraph", fmt::format("NPU_{}", k)}, {"name", error.layer}, {"snr_db", error.snr_db}});
    }
    std::stable_sort(layers.begin(), layers.end(),
                     [](const json& a, const json& b) { return a["snr_db"] < b["snr_db"]; });
    json values = json::array(), outputs = json::array();
    for (const compiler::ValueError& error :
         compiler::value_errors(front_options, front, contents.model, samples, count, pool))
        (error.subgraph.empty() ? outputs : values).push_back(to_json(error));
    return json{{"layers", layers}, {"cpu_values", values}, {"outputs", outputs}}.dump();
}

}  // namespace calotype
