#include <fmt/format.h>

#include <algorithm>

#include "base/counted.hpp"
#include "base/cpu.hpp"
#include "base/narrow_types.hpp"
#include "calotype/snapshot.hpp"
#include "runtime/golden.hpp"
#include "runtime/load.hpp"
#include "runtime/ports.hpp"

namespace calotype {
namespace {

// ONNX Runtime picks its float kernels by processor; sums of a few thousand products in another order differ by less.
constexpr double kCpuTolerance = 1e-4;

/// Stands in for golden inputs: whole numbers in [0, 255] for bytes, reals over the codes' range otherwise; fixed seed.
Tensor seeded_input(const execute::Port& port) {
    const Dims& dims = port.made_for;
    std::vector<float> reals(static_cast<size_t>(element_count(dims)));
    uint32_t state = 20240601;
    const bool plain = port.boundary == Boundary::plain;
    const float scale = plain ? 1.0F / 128 : port.quantization.scale[0];
    const float zero_point = plain ? 0.0F : static_cast<float>(port.quantization.zero_point[0]);
    for (float& real : reals) {
        state = state * 1664525U + 1013904223U;
        real = (static_cast<float>(state >> 24) - 128.0F - zero_point) * scale;
    }
    if (port.type == DataType::float32) return Tensor::of<float>(dims, reals);
    Tensor tensor(port.type, dims);
    if (bytes_of(port.type) == 1) {
        for (size_t i = 0; i < reals.size(); ++i)
            tensor.bytes()[i] = static_cast<std::byte>(static_cast<int>(reals[i]) & 0xff);
    }
    clear_unused_bits(tensor);
    return tensor;
}

std::map<std::string, Tensor> inputs_for(const snapshot::Contents& contents) {
    if (contents.golden) return contents.golden->inputs;
    std::map<std::string, Tensor> inputs;
    runtime::require_known_inputs(contents.model);
    for (const execute::Port& port : contents.model.inputs)
        if (port.kind == Kind::tensor) inputs.emplace(port.name, seeded_input(port));
    return inputs;
}

size_t layers_of(const execute::Model& model) {
    size_t layers = 0;
    for (const execute::Subgraph& subgraph : model.subgraphs) {
        if (const auto* npu = std::get_if<execute::NpuSubgraph>(&subgraph)) layers += npu->network.layers.size();
    }
    return layers;
}

/// What a check without a difference has shown.
std::string equal_parts(const execute::Model& model) {
    const size_t layers = layers_of(model);
    const bool cpu = std::ranges::any_of(model.subgraphs, [](const execute::Subgraph& subgraph) {
        return std::holds_alternative<execute::CpuSubgraph>(subgraph);
    });
    std::string text = layers > 0 ? counted(static_cast<int64_t>(layers), "layer") + ", bit for bit" : "";
    if (cpu)
        text += fmt::format("{}what CPU subgraphs make, within {:g} % of its largest element", text.empty() ? "" : "; ",
                            100 * kCpuTolerance);
    return text;
}

}  // namespace

std::vector<Check> verify(const std::filesystem::path& path, const RunnerOptions& options) {
    const snapshot::Contents contents =
        runtime::load(path, options.npu, options.limits);  // throws at the first wrong checksum
    const execute::Model& model = contents.model;
    std::vector<Check> checks{{"checksums", true, "every file is what `manifest.json` states"}};
    ThreadPool pool(runtime::thread_count(options.threads));
    const auto run = [&](emulate::KernelSet kernels) {
        return runtime::make_golden(model, inputs_for(contents), pool, {options.ort_library, options.limits}, kernels);
    };
    const snapshot::Golden reference = run(emulate::KernelSet::reference);
    if (contents.golden) {
        const std::string difference = runtime::first_difference(model, *contents.golden, reference, kCpuTolerance);
        checks.push_back({"golden", difference.empty(), difference.empty() ? equal_parts(model) : difference});
    }
    for (const emulate::KernelSet kernels : {emulate::KernelSet::avx2, emulate::KernelSet::avx512}) {
        if (!emulate::available(kernels) || layers_of(model) == 0) continue;
        const std::string difference = runtime::first_difference(model, reference, run(kernels), kCpuTolerance);
        checks.push_back({fmt::format("kernels {}", emulate::name_of(kernels)), difference.empty(),
                          difference.empty() ? "equal to the reference: " + equal_parts(model) : difference});
    }
    return checks;
}

}  // namespace calotype
