// `verify` with a model and samples: each layer's error measured anew.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "calotype/compile.hpp"
#include "compiler/check_options.hpp"
#include "compiler/host_nodes.hpp"
#include "compiler/values.hpp"
#include "runtime/load.hpp"

namespace calotype {
namespace {

using nlohmann::json;

const npu::FloatNetwork& network_of(const compiler::Front& front, size_t index, const npu::Network& network,
                                    const std::filesystem::path& model) {
    const auto& parts = front.plan.subgraphs;
    if (index >= parts.size() || !quantize::made_from(parts[index].network, network))
        throw Error({"VERIFY_MODEL", fmt::format("`{}`", model.string()), "its layers are not those of the snapshot",
                     "give the model that was compiled"});
    return parts[index].network;
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
    const snapshot::Contents contents = snapshot::read(options.snapshot);
    check(options, samples);
    compiler::Dump no_dump;
    const compiler::FrontOptions front_options{options.model,
                                               options.npu.empty() ? contents.npu.name : options.npu,
                                               compiler::disabled_rewrites_of(contents.report_json),
                                               {options.ort_library, options.limits}};
    const compiler::Front front =
        compiler::make_front(front_options, samples.at(0), no_dump, compiler::host_nodes_of(contents.report_json));
    ThreadPool pool(runtime::thread_count(options.threads));
    json layers = json::array();
    for (size_t k = 0; k < contents.model.subgraphs.size(); ++k) {
        const auto* npu = std::get_if<execute::NpuSubgraph>(&contents.model.subgraphs[k]);
        if (npu == nullptr) continue;
        const npu::FloatNetwork& network = network_of(front, k, npu->network, options.model);
        const quantize::Calibration calibration = compiler::calibration_of(
            front_options, front, contents.model, k, samples, std::min(options.images, samples.count()));
        const auto errors = quantize::measure(network, npu->network, calibration, pool);
        for (const quantize::LayerError& error : errors)
            layers.push_back({{"subgraph", fmt::format("NPU_{}", k)}, {"name", error.layer}, {"snr_db", error.snr_db}});
    }
    std::stable_sort(layers.begin(), layers.end(),
                     [](const json& a, const json& b) { return a["snr_db"] < b["snr_db"]; });
    return json{{"layers", layers}}.dump();
}

}  // namespace calotype
