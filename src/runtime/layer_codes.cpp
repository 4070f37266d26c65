#include <fmt/format.h>

#include <algorithm>

#include "calotype/snapshot.hpp"
#include "execute/prepared_model.hpp"
#include "runtime/load.hpp"

namespace calotype {
namespace {

/// Codes of one tensor, sample behind sample.
struct Collected {
    Dims shape;
    std::vector<int8_t> codes;

    Tensor tensor() const {
        const int64_t elements = std::max<int64_t>(1, element_count(shape));
        Dims dims{static_cast<int64_t>(codes.size()) / elements};
        dims.insert(dims.end(), shape.begin(), shape.end());
        return Tensor::of<int8_t>(dims, codes);
    }
};

}  // namespace

std::map<std::string, Tensor> layer_codes(const std::filesystem::path& path,
                                          const std::map<std::string, TensorView>& inputs,
                                          const RunnerOptions& options) {
    const runtime::Loaded loaded = runtime::load_with_config(path, options.npu, options.limits);
    const snapshot::Contents& contents = loaded.contents;
    const auto& subgraphs = contents.model.subgraphs;
    execute::PreparedModel prepared(contents.model, emulate::resolve(emulate::kernel_set(options.kernels)),
                                    {options.ort_library, options.limits}, loaded.config);
    std::map<std::string, Collected> collected;
    execute::Hooks hooks;
    hooks.after_layer = [&](size_t k, size_t index, std::span<const int8_t> codes, const Dims& shape) {
        const auto& npu = std::get<execute::NpuSubgraph>(subgraphs[k]);
        const auto tensor = static_cast<size_t>(npu.network.layers[index].output);
        Collected& to = collected[fmt::format("{}/{}", execute::name_of(subgraphs[k], k), tensor)];
        to.shape = shape;
        to.codes.insert(to.codes.end(), codes.begin(), codes.end());
    };
    ThreadPool alone(1);  // so that samples come in order
    prepared.run(inputs, alone, hooks);
    std::map<std::string, Tensor> tensors;
    for (const auto& [name, codes] : collected) tensors.emplace(name, codes.tensor());
    return tensors;
}

}  // namespace calotype
