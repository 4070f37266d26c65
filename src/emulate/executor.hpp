#pragma once

// Runs an NPU subgraph's program layer by layer.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/thread_pool.hpp"
#include "emulate/kernel_set.hpp"
#include "emulate/prepared_layer.hpp"
#include "npu/program.hpp"

namespace calotype::emulate {

/// Bytes for activations and scratch of one run at a time, 64-byte aligned; grows to what is asked and stays.
class Arena {
  public:
    std::span<std::byte> take(size_t bytes);

  private:
    struct Free {
        void operator()(std::byte* bytes) const;
    };
    std::unique_ptr<std::byte, Free> bytes_;
    size_t size_ = 0;
};

/// A network made ready for one program's shapes. `run` may be called from several threads, each with its own arena.
class Executor {
  public:
    /// The network must outlive the executor. Throws Error KERNELS_UNAVAILABLE.
    Executor(const npu::Network& network, npu::Program program, KernelSet set);

    /// Called after each layer with its index and output codes.
    using AfterLayer = std::function<void(size_t layer, std::span<const int8_t> codes)>;
    struct Options {
        ThreadPool* pool = nullptr;                ///< null: the caller alone
        AfterLayer after_layer;                    ///< may be empty
        std::vector<int64_t>* layer_ns = nullptr;  ///< where given, each step's time is added, by layer index
    };

    /// Codes in the order of network.inputs and network.outputs, one sample, each in its tensor's memory order.
    void run(std::span<const std::span<const int8_t>> inputs, std::span<const std::span<int8_t>> outputs, Arena& arena,
             const Options& options) const;
    void run(std::span<const std::span<const int8_t>> inputs, std::span<const std::span<int8_t>> outputs,
             Arena& arena) const {
        run(inputs, outputs, arena, Options{});
    }

    const npu::Program& program() const { return program_; }
    int64_t elements(npu::TensorId tensor) const { return elements_.at(static_cast<size_t>(tensor)); }

  private:
    const npu::Network* network_;
    npu::Program program_;
    std::vector<std::unique_ptr<PreparedLayer>> layers_;  // by layer index
    std::vector<int64_t> elements_;                       // by tensor
};

}  // namespace calotype::emulate
