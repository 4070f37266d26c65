#pragma once

// The two kinds of subgraph, ready to run, and what one run of them carries along.

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/elements.hpp"
#include "execute/npu_sizes.hpp"
#include "execute/prepared_model.hpp"

namespace calotype::execute {

/// Values by name: views of the caller's arrays and of what the run owns.
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

/// One run: which worker's workspace, whose pool.
struct RunContext {
    Workspace& workspace;
    ThreadPool* pool;  // null where the runs themselves are parallel
    const Hooks& hooks;
    Breaks breaks;
    /// Where a part of subgraph `index` counts its time; null where nobody asks.
    int64_t* ns(size_t index, int64_t SubgraphNs::* part) const {
        return hooks.ns != nullptr ? &((*hooks.ns)[index].*part) : nullptr;
    }
};

/// Its elements as float32, each rounded once.
Tensor as_float(const TensorView& view);

/// Codes in, emulated layers, codes out.
class NpuPart {
  public:
    NpuPart(const Model& model, const NpuSubgraph& subgraph, size_t index, emulate::KernelSet kernels,
            const npu::Config* config);
    /// Adds the values it makes to `owned`, and views of them to `values`.
    void run(Values& values, Owned& owned, RunContext& context) const;

  private:
    std::vector<TensorView> sources_of(const Values& values, Owned& owned, const RunContext& context) const;
    std::vector<std::span<const int8_t>> codes_of(const NpuSize& size, const std::vector<TensorView>& sources,
                                                  int64_t sample, RunContext& context) const;
    void run_sample(const NpuSize& size, const std::vector<TensorView>& sources, int64_t sample,
                    std::vector<Tensor>& results, RunContext& context) const;
    emulate::Executor::Options options(RunContext& context, const NpuSize& size) const;

    const npu::Network& network_;
    size_t index_;
    NpuSizes sizes_;
};

/// A CPU subgraph on ONNX Runtime.
class CpuPart {
  public:
    virtual ~CpuPart() = default;
    virtual void run(Values& values, Owned& owned) = 0;
};

/// Opens ONNX Runtime when the first CPU subgraph asks for it.
class CpuParts {
  public:
    explicit CpuParts(const ort::Access& access);
    ~CpuParts();
    std::unique_ptr<CpuPart> make(const Model& model, const CpuSubgraph& subgraph);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace calotype::execute
