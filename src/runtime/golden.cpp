#include "runtime/golden.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/hash.hpp"

namespace calotype::runtime {
namespace {

/// Gathers codes of outputs and hashes of layers while a run goes, sample after sample.
class Recorder {
  public:
    explicit Recorder(const execute::Model& model)
        : model_(model), hashes_(model.subgraphs.size()), codes_(model.subgraphs.size()) {
        for (size_t k = 0; k < model.subgraphs.size(); ++k) {
            const auto* npu = std::get_if<execute::NpuSubgraph>(&model.subgraphs[k]);
            if (npu == nullptr) continue;
            hashes_[k].resize(npu->network.layers.size());
            codes_[k].resize(npu->network.outputs.size());
        }
    }
    execute::Hooks hooks() {
        execute::Hooks hooks;
        hooks.after_layer = [this](size_t k, size_t layer, std::span<const int8_t> codes, const Dims&) {
            hashes_[k][layer].update(std::as_bytes(codes));
        };
        hooks.npu_output = [this](size_t k, size_t index, std::span<const int8_t> codes) {
            codes_[k][index].insert(codes_[k][index].end(), codes.begin(), codes.end());
        };
        return hooks;
    }
    snapshot::GoldenSubgraph subgraph(size_t k, const std::map<std::string, Tensor>& values) {
        snapshot::GoldenSubgraph golden;
        const std::vector<std::string> names = execute::outputs_of(model_.subgraphs[k]);
        for (size_t i = 0; i < names.size(); ++i) {
            if (!codes_[k].empty()) {
                golden.outputs.emplace(names[i], codes_tensor(k, i));
                continue;
            }
            // Of what kind it is, what it holds tells: one that holds no array under its own name is a sequence.
            const Kind kind = values.contains(names[i]) ? Kind::tensor : Kind::sequence;
            for (const std::string& name : held_names(values, names[i], kind))
                golden.outputs.emplace(name, values.at(name));
        }
        for (Sha256& hash : hashes_[k]) golden.layer_sha256.push_back(hash.hex());
        return golden;
    }

  private:
    Tensor codes_tensor(size_t k, size_t index) const {
        const auto& network = std::get<execute::NpuSubgraph>(model_.subgraphs[k]).network;
        const std::vector<int8_t>& codes = codes_[k][index];
        const int64_t samples = network.outputs[index].dims[0];
        return Tensor::of<int8_t>({samples, static_cast<int64_t>(codes.size()) / samples}, codes);
    }

    const execute::Model& model_;
    std::vector<std::vector<Sha256>> hashes_;              // [subgraph][layer]
    std::vector<std::vector<std::vector<int8_t>>> codes_;  // [subgraph][output]
};

std::string differs(const Tensor& expected, const Tensor& found, double tolerance) {
    if (expected.type() != found.type() || expected.dims() != found.dims()) {
        return fmt::format("{} {} instead of {} {}", name_of(found.type()), to_string(found.dims()),
                           name_of(expected.type()), to_string(expected.dims()));
    }
    if (expected == found) return "";
    if (expected.type() == DataType::string) {
        const auto at = std::ranges::mismatch(expected.strings(), found.strings()).in1 - expected.strings().begin();
        return fmt::format("string {} differs", at);
    }
    const std::vector<double> a = to_doubles(expected), b = to_doubles(found);
    double largest = 0;
    for (const double x : a) largest = std::max(largest, std::abs(x));
    for (size_t i = 0; i < a.size(); ++i) {
        // Not above the bound rather than below it: a NaN differs.
        if (a[i] == b[i] || std::abs(a[i] - b[i]) <= tolerance * largest) continue;
        return fmt::format("element {} is {} instead of {}", i, b[i], a[i]);
    }
    return "";
}

std::string layer_difference(const execute::NpuSubgraph& subgraph, const snapshot::GoldenSubgraph& expected,
                             const snapshot::GoldenSubgraph& found) {
    for (const npu::Step& step : subgraph.program.steps) {
        const auto layer = static_cast<size_t>(step.layer);
        if (layer >= expected.layer_sha256.size() || layer >= found.layer_sha256.size()) return "it holds fewer layers";
        if (expected.layer_sha256[layer] != found.layer_sha256[layer]) {
            return fmt::format("layer `{}` is the first to differ", subgraph.network.layers[layer].name);
        }
    }
    return "";
}

}  // namespace

snapshot::Golden make_golden(const execute::Model& model, const std::map<std::string, Tensor>& inputs, ThreadPool& pool,
                             const ort::Access& access, emulate::KernelSet kernels) {
    execute::PreparedModel prepared(model, kernels, access);
    Recorder recorder(model);
    const std::map<std::string, TensorView> views(inputs.begin(), inputs.end());
    const auto values = prepared.run_prefix(views, model.subgraphs.size(), pool, recorder.hooks());
    snapshot::Golden golden;
    golden.inputs = inputs;
    for (size_t k = 0; k < model.subgraphs.size(); ++k) golden.subgraphs.push_back(recorder.subgraph(k, values));
    return golden;
}

std::string first_difference(const execute::Model& model, const snapshot::Golden& expected,
                             const snapshot::Golden& found, double cpu_tolerance) {
    for (size_t k = 0; k < model.subgraphs.size(); ++k) {
        const std::string name = execute::name_of(model.subgraphs[k], k);
        const auto* npu = std::get_if<execute::NpuSubgraph>(&model.subgraphs[k]);
        if (k >= expected.subgraphs.size() || k >= found.subgraphs.size()) return name + " is missing";
        if (npu != nullptr) {
            const std::string layer = layer_difference(*npu, expected.subgraphs[k], found.subgraphs[k]);
            if (!layer.empty()) return name + ": " + layer;
        }
        for (const auto& [value, tensor] : found.subgraphs[k].outputs)
            if (!expected.subgraphs[k].outputs.contains(value))
                return fmt::format("{}: `{}` is one too many", name, value);
        for (const auto& [value, tensor] : expected.subgraphs[k].outputs) {
            const auto other = found.subgraphs[k].outputs.find(value);
            if (other == found.subgraphs[k].outputs.end()) return fmt::format("{}: `{}` is missing", name, value);
            const std::string difference = differs(tensor, other->second, npu == nullptr ? cpu_tolerance : 0);
            if (!difference.empty()) return fmt::format("{}: `{}`: {}", name, value, difference);
        }
    }
    return "";
}

}  // namespace calotype::runtime
