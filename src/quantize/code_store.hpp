#pragma once

// Codes of the live tensors of every sample, in a file without a name: memory does not grow with the samples.

#include <cstdint>
#include <span>
#include <vector>

#include "npu/layer.hpp"

namespace calotype::quantize {

class CodeStore {
  public:
    /// `bytes` of one sample of each tensor. Throws Error FILE_UNWRITABLE where the temporary folder takes no file.
    CodeStore(std::vector<int64_t> bytes, int64_t samples);
    ~CodeStore();
    CodeStore(const CodeStore&) = delete;
    CodeStore& operator=(const CodeStore&) = delete;

    void put(npu::TensorId tensor, int64_t sample, std::span<const int8_t> codes);  // from several threads
    std::vector<int8_t> get(npu::TensorId tensor, int64_t sample) const;
    /// Gives the tensor's disk blocks back.
    void drop(npu::TensorId tensor);

  private:
    int64_t offset(npu::TensorId tensor, int64_t sample) const;
    int file_ = -1;
    int64_t samples_;
    std::vector<int64_t> bytes_, first_;
};

}  // namespace calotype::quantize
