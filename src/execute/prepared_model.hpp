#pragma once

// A model made ready to run: kernels prepared, ONNX Runtime sessions open.

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/thread_pool.hpp"
#include "calotype/runner.hpp"
#include "emulate/kernel_set.hpp"
#include "execute/model.hpp"
#include "npu/config.hpp"
#include "ort/library.hpp"

namespace calotype::execute {

/// Where a subgraph's time goes, in nanoseconds, added up over samples and runs.
struct SubgraphNs {
    int64_t to_codes = 0, to_reals = 0;  ///< NPU: the boundary conversions
    std::vector<int64_t> layers;         ///< NPU: by layer; sized by the caller
    int64_t onnx_runtime = 0;            ///< CPU
};

/// What a run may report while it goes; each may be empty. Where samples run in parallel the calls come from several
/// threads: such hooks need a pool of 1, or a single run.
struct Hooks {
    /// After each layer of an NPU subgraph, for each sample of the run: its codes and, at the run's size, their shape.
    std::function<void(size_t subgraph, size_t layer, std::span<const int8_t> codes, const Dims& shape)> after_layer;
    /// Codes of an NPU subgraph's output `index`, for each sample of the run in order.
    std::function<void(size_t subgraph, size_t index, std::span<const int8_t> codes)> npu_output;
    std::vector<SubgraphNs>* ns = nullptr;  ///< by subgraph; sized by the caller
};

class PreparedModel {
  public:
    /// `model` must outlive this. ONNX Runtime is opened with `access` only if there
    /// is a CPU subgraph. With the NPU's configuration, inputs of other heights and widths are planned as they come
    /// where the model allows it. Throws Error KERNELS_UNAVAILABLE, ORT_*.
    PreparedModel(const Model& model, emulate::KernelSet kernels, const ort::Access& access = {},
                  std::optional<npu::Config> config = {});
    ~PreparedModel();
    PreparedModel(PreparedModel&&) noexcept;

    /// Any batch; several runs go in parallel over the pool, a single one has the pool inside its layers. The bits do
    /// not depend on it. Throws Error INPUT_*.
    std::map<std::string, Tensor> run(const std::map<std::string, TensorView>& inputs, ThreadPool& pool,
                                      const Hooks& hooks = {});

    /// One run (the model's own batch) through the first `subgraph_count` subgraphs: every value they made.
    std::map<std::string, Tensor> run_prefix(const std::map<std::string, TensorView>& inputs, size_t subgraph_count,
                                             ThreadPool& pool, const Hooks& hooks = {});

    BrokenInputs broken_inputs() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace calotype::execute
