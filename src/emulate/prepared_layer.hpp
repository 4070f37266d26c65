#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/thread_pool.hpp"
#include "emulate/kernel_set.hpp"
#include "npu/layer.hpp"

namespace calotype::emulate {

/// One layer for one set of shapes: constants packed, loops chosen. It reads the layer's own constants where they lie,
/// so the network must outlive it.
class PreparedLayer {
  public:
    virtual ~PreparedLayer() = default;
    /// Bytes of scratch that `run` needs with that many threads.
    virtual size_t scratch_bytes(int threads = 1) const {
        (void)threads;
        return 0;
    }
    /// Codes in, codes out, dense and channels last. `scratch` is 64-byte aligned. A null pool runs on the caller
    /// alone; the bits are the same for any pool.
    virtual void run(std::span<const int8_t* const> inputs, int8_t* output, std::span<std::byte> scratch,
                     ThreadPool* pool) const = 0;
    /// Which kernel this is, for timings and failing tests: "avx2 conv".
    virtual std::string_view kernel() const = 0;
};

/// `shapes` holds one shape a tensor of the network. Throws Error KERNELS_UNAVAILABLE.
std::unique_ptr<PreparedLayer> prepare(const npu::Network& network, size_t layer, const std::vector<Dims>& shapes,
                                       KernelSet set);

}  // namespace calotype::emulate
