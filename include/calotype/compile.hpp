#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calotype/port.hpp"

namespace calotype {

inline constexpr std::string_view kDefaultNpu = "VE2802_NPU_IP_O00_A304_M3";

/// The calibration samples, one in memory at a time.
class Samples {
  public:
    virtual ~Samples() = default;
    virtual int64_t count() const = 0;
    /// One tensor an input of the model, each with the model's batch (1 where it is free).
    virtual std::map<std::string, Tensor> at(int64_t index) const = 0;
    /// Of the samples' content, 64 hexadecimal digits.
    virtual std::string sha256() const = 0;
    /// How files became samples (mean, std, resize, layout), recorded in the snapshot; empty where they were arrays.
    virtual std::map<std::string, std::string> preprocessing() const { return {}; }
};

struct CompileOptions {
    std::filesystem::path model;
    std::filesystem::path output;    ///< the snapshot; replaced whole, in one step, if it exists
    std::string npu{kDefaultNpu};    ///< configuration's name or file; "none": all on ONNX Runtime in FP32
    int64_t images = 4;              ///< samples used for calibration
    std::string mode = "fast";       ///< fast, dynamic
    std::string precision = "INT8";  ///< INT8, BF16, MIXED
    bool deep = false;
    std::vector<std::pair<std::string, Dims>> shapes;  ///< more input shapes to make programs for
    std::vector<std::string> without;            ///< ingredients of quantization switched off: "bias-correction", ...
    std::vector<std::string> disabled_rewrites;  ///< names of the optimize pipeline
    int threads = 0;                             ///< 0: all processors; never changes a byte
    std::optional<std::filesystem::path> dump;   ///< each stage's result as text
    bool golden = true;
    std::optional<std::filesystem::path> ort_library;
    /// Called with the stage's name and how far it is, 0 to 1.
    std::function<void(std::string_view stage, double done)> progress;
    /// Warnings and notes for the user, each once.
    std::function<void(std::string_view text)> message;
};

struct CompileResult {
    std::filesystem::path snapshot;
    std::string report_json;  ///< as report.json in the snapshot
};

/// Inputs of an ONNX model as its file states them. Throws Error as `compile` does for a bad model.
std::vector<PortInfo> model_inputs(const std::filesystem::path& model);

/// Compiles an ONNX model into a snapshot. Throws Error for whatever is wrong with model, samples, options or disk;
/// then `output` is as it was.
CompileResult compile(const CompileOptions& options, const Samples& samples);

struct ExplainOptions {
    std::filesystem::path model;
    std::string npu{kDefaultNpu};
    std::vector<std::pair<std::string, Dims>> shapes;  ///< of inputs with free dims other than the batch
    std::vector<std::string> disabled_rewrites;
    std::optional<std::filesystem::path> ort_library;
    int threads = 0;
};
struct Explanation {
    std::string text;  ///< for people
    std::string json;  ///< the same facts
};
/// Which operator runs where and why. `samples` (may be null) give the first sample's shapes.
Explanation explain(const ExplainOptions& options, const Samples* samples = nullptr);

/// Per-layer errors measured anew on samples: worst first, as JSON text.
std::string measure(const std::filesystem::path& snapshot, const std::filesystem::path& model, const Samples& samples,
                    int64_t images, const std::optional<std::filesystem::path>& ort_library = {}, int threads = 0);

}  // namespace calotype
