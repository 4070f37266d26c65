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

/// Values by name of one sample. Called from several threads.
using Values = std::function<std::map<std::string, Tensor>(int64_t sample)>;

/// The calibration samples as one network meets them.
struct Calibration {
    Values exact;  ///< in FP32: every tensor's and layer's value of the network
    Values read;   ///< the network's inputs as the subgraphs before it, already quantized, really give them
    int64_t samples = 0;
    int64_t batch = 1;  ///< samples one value holds
};

/// The ingredients that `--without` can switch off, with what each does.
const std::map<std::string, std::string>& ingredients();

/// `done` from 0 to 1 of the work, `layers` are finished.
using Progress = std::function<void(double done, size_t layers)>;

struct Options {
    std::set<std::string> without;  ///< names of ingredients()
    Progress progress;              ///< may be empty
};

struct LayerError {
    std::string layer;
    double snr_db = 0;            ///< of the layer's output against FP32, over the samples
    double activation_codes = 0;  ///< largest error of its piecewise-linear table, in codes
    bool own = false;             ///< a quantized model's own scales, weights and biases
    std::string anew{};           ///< why not, where the model states the scales of all that the layer reads and writes
};

struct Result {
    npu::Network network;
    std::vector<LayerError> errors;   ///< by layer
    std::vector<bool> whole_numbers;  ///< by network input: scale 1, the samples are whole numbers in one byte's range
};

/// The exact values are finite. Throws Error OPTION_VALUE for an unknown `without`.
Result quantize(const npu::FloatNetwork& network, const Calibration& calibration, const Options& options,
                ThreadPool& pool);

/// Whether the layers are those of `from` and Requantize layers that quantize() added.
bool made_from(const npu::FloatNetwork& from, const npu::Network& network);

/// The error of each layer's output, the whole network run on codes.
std::vector<LayerError> measure(const npu::FloatNetwork& from, const npu::Network& network,
                                const Calibration& calibration, ThreadPool& pool);

}  // namespace calotype::quantize
