#pragma once

// Codes of the samples' values, and one layer run over them.

#include <span>
#include <vector>

#include "base/thread_pool.hpp"
#include "emulate/executor.hpp"
#include "npu/layer.hpp"
#include "quantize/code_store.hpp"
#include "quantize/input_moments.hpp"
#include "quantize/sizes.hpp"
#include "quantize/statistics.hpp"

namespace calotype::quantize {

/// Reals in a tensor's order to its codes, as the runner's boundary does it.
std::vector<int8_t> to_codes(std::span<const float> x, const npu::Quantization& quantization);

/// The codes of a network's input: from reals, or as the value holds them. `scale`: of the input's tensor.
std::vector<int8_t> input_codes(const Tensor& value, const npu::Placement& input, const npu::FloatTensor& tensor,
                                const npu::Quantization& scale);

/// Runs one prepared layer over `batch` samples. inputs: their codes one after the other, a constant's once; shapes: of
/// one sample, by tensor.
std::vector<int8_t> run_layer(const emulate::PreparedLayer& prepared, const std::vector<std::vector<int8_t>>& inputs,
                              const std::vector<Dims>& shapes, const npu::Layer& layer, int64_t batch);

/// By channel of a layer's output, over all samples; exact integers, so the order of adding is free.
struct CodeMeans {
    std::vector<int64_t> sum;   ///< of codes
    std::vector<int64_t> live;  ///< codes strictly between the clamps
    int64_t count = 0;
};

/// A network's codes on the calibration samples, layer by layer: what a layer reads is what the layers before it,
/// already quantized, really give.
class CalibrationCodes {
  public:
    /// `network` is the one whose layers are run; both networks outlive this. `batch`: samples a value holds.
    CalibrationCodes(const npu::FloatNetwork& from, const npu::Network& network, int64_t samples, int64_t batch,
                     ThreadPool& pool);

    void put_inputs(const Values& values);
    /// Of what the layer reads.
    InputMoments moments(size_t layer, bool with_gram);
    /// Runs the layer over all samples and keeps its output.
    CodeMeans run(size_t layer);
    /// Gives up the tensors that no layer after this one reads.
    void drop_read(size_t layer);

  private:
    const npu::FloatNetwork& from_;
    const npu::Network& network_;
    int64_t samples_, batch_;
    ThreadPool& pool_;
    CodeStore store_;
    std::vector<InputDims> dims_;  // by sample
    PerSize<std::vector<Dims>> shapes_;
    std::vector<size_t> last_read_;
};

}  // namespace calotype::quantize
