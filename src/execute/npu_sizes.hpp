#pragma once

// An NPU subgraph at every size that comes along: planned and prepared once a size, the latest few are kept.

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <vector>

#include "emulate/executor.hpp"
#include "execute/boundary.hpp"
#include "execute/model.hpp"
#include "execute/resize.hpp"
#include "npu/config.hpp"

namespace calotype::execute {

/// One size, ready to run.
struct NpuSize {
    std::vector<npu::Placement> inputs, outputs;
    std::vector<Conversion> to_codes, to_reals;  ///< by input, by output
    emulate::Executor executor;
};

class NpuSizes {
  public:
    /// All references outlive this. `config` may be null: then only the program's own size can be run.
    NpuSizes(const Model& model, const NpuSubgraph& subgraph, emulate::KernelSet kernels, const npu::Config* config);

    /// `dims` has one entry an input, the batch in front. May be called from several threads. Throws Error INPUT_SIZE
    /// with the cause where the size cannot be planned.
    std::shared_ptr<const NpuSize> at(const std::vector<Dims>& dims) const;

  private:
    std::shared_ptr<const NpuSize> make(std::vector<npu::Placement> inputs, std::vector<npu::Placement> outputs,
                                        npu::Program program) const;
    std::shared_ptr<const NpuSize> planned(const std::vector<Dims>& dims) const;
    npu::Program program_at(const std::vector<Dims>& input_shapes, const Dims& dims) const;
    [[noreturn]] void refuse(size_t input, const Dims& dims, const std::string& cause) const;
    Conversion conversion(const std::vector<Port>& ports, const npu::Placement& placement) const;

    const Model& model_;
    const NpuSubgraph& subgraph_;
    emulate::KernelSet kernels_;
    const npu::Config* config_;
    std::shared_ptr<const NpuSize> own_;  // of the program
    mutable std::mutex guard_;
    mutable std::list<std::shared_ptr<const NpuSize>> others_;  // the latest first
};

}  // namespace calotype::execute
