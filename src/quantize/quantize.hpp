#pragma once

// A FloatNetwork and samples to an integer Network: the fast mode.

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/thread_pool.hpp"
#include "npu/layer.hpp"

namespace calotype::quantize {

/// FP32 values by name of one sample: every tensor's and layer's value of the network. Called from several threads.
using Values = std::function<std::map<std::string, Tensor>(int64_t sample)>;

/// The ingredients that `--without` can switch off, with what each does.
const std::map<std::string, std::string>& ingredients();

struct Options {
    std::set<std::string> without;              ///< names of ingredients()
    std::function<void(double done)> progress;  ///< 0 to 1; may be empty
};

struct LayerError {
    std::string layer;
    double snr_db = 0;            ///< of the layer's output against FP32, over the samples
    double activation_codes = 0;  ///< largest error of its piecewise-linear table, in codes
};

struct Result {
    npu::Network network;
    std::vector<LayerError> errors;   ///< by layer
    std::vector<bool> whole_numbers;  ///< by network input: scale 1, the samples are whole numbers in one byte's range
};

/// Throws Error SAMPLE_NOT_FINITE where a sample gives NaN or infinities, QUANTIZE_INGREDIENT for an unknown `without`.
Result quantize(const npu::FloatNetwork& network, const Values& values, int64_t samples, const Options& options,
                ThreadPool& pool);

/// The error of each layer's output, the whole network run on codes; `batch` samples a value holds.
std::vector<LayerError> measure(const npu::FloatNetwork& from, const npu::Network& network, const Values& values,
                                int64_t samples, int64_t batch, ThreadPool& pool);

}  // namespace calotype::quantize
