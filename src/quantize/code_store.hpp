#pragma once

// Codes of the live tensors of every sample, in a file without a name: memory does not grow with the samples.

#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "npu/layer.hpp"
#include "npu/program.hpp"

namespace calotype::quantize {

class CodeStore {
  public:
    /// Throws Error FILE_UNWRITABLE where the temporary folder takes no file.
    CodeStore(size_t tensors, int64_t samples);
    ~CodeStore();
    CodeStore(const CodeStore&) = delete;
    CodeStore& operator=(const CodeStore&) = delete;

    /// From several threads. Each sample may have a size of its own, which it keeps when it is put again.
    void put(npu::TensorId tensor, int64_t sample, std::span<const int8_t> codes);
    std::vector<int8_t> get(npu::TensorId tensor, int64_t sample);
    /// Gives the tensor's disk blocks back.
    void drop(npu::TensorId tensor);

  private:
    npu::Span& span(npu::TensorId tensor, int64_t sample);
    int file_ = -1;
    int64_t samples_, next_ = 0;
    std::vector<npu::Span> spans_;  // in the file: [tensor, sample]
    std::mutex guard_;              // of next_
};

}  // namespace calotype::quantize
