#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calotype/limits.hpp"
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
    /// A sample as messages call it: its file, or its number.
    virtual std::string name_of(int64_t index) const { return "sample " + std::to_string(index); }
    /// What was found and left out when they were opened, for the user.
    virtual std::vector<std::string> notes() const { return {}; }
    /// How files became samples (mean, std, resize, layout), recorded in the snapshot; empty where they were arrays.
    virtual std::map<std::string, std::string> preprocessing() const { return {}; }
};

/// How far a compilation is.
struct CompileProgress {
    std::string_view stage;  ///< "import", "quantize", "snapshot"
    double done = 0;         ///< of the stage, 0 to 1
    std::string detail{};    ///< "12 of 53 layers", of all NPU subgraphs; empty where the stage goes by no such steps
};

struct CompileOptions {
    std::filesystem::path model;
    std::filesystem::path output;  ///< the snapshot; replaced whole, in one step, if it exists
    std::string npu{kDefaultNpu};  ///< configuration's name or file; "none": all on ONNX Runtime in FP32
    int64_t images = 4;            ///< samples used for calibration
    // Anything but these three defaults is refused so far: Error OPTION_NOT_BUILT.
    std::string mode = "fast";
    std::string precision = "INT8";
    bool deep = false;  ///< fine-tuning against the FP32 network
    /// More input shapes to make programs for, beside the first sample's; the n-th of each input belong together.
    std::vector<std::pair<std::string, Dims>> shapes;
    std::vector<std::string> without;            ///< ingredients of quantization switched off: "bias-correction", ...
    std::vector<std::string> disabled_rewrites;  ///< names of the optimize pipeline
    int threads = 0;                             ///< 0: all processors; never changes a byte
    std::optional<std::filesystem::path> dump;   ///< each stage's result as text
    bool golden = true;  ///< the first sample's inputs, outputs and hashes of layers, with which a device proves itself
    std::optional<std::filesystem::path> ort_library;
    Limits limits;  ///< of what the model may ask for; they change no byte
    std::function<void(const CompileProgress& progress)> progress;
    /// Warnings and notes for the user, each once.
    std::function<void(std::string_view text)> message;
};

struct CompileResult {
    std::filesystem::path snapshot;
    std::string report_json;  ///< as report.json in the snapshot
};

/// Inputs of an ONNX model as its file states them. Throws Error as `compile` does for a bad model.
std::vector<PortInfo> model_inputs(const std::filesystem::path& model, const Limits& limits = {});

/// Compiles an ONNX model into a snapshot. Throws Error for whatever is wrong with model, samples, options or disk;
/// then `output` is as it was.
/// Without samples: a quantized model, which states its scales itself. What it states none for runs on the CPU, and a
/// random sample stands in for the first one (errors and golden vectors are then marked `synthetic`).
CompileResult compile(const CompileOptions& options, const Samples& samples);
CompileResult compile(const CompileOptions& options);

struct ExplainOptions {
    std::filesystem::path model;
    std::string npu{kDefaultNpu};
    std::vector<std::pair<std::string, Dims>> shapes;  ///< of inputs with free dims other than the batch
    std::vector<std::string> disabled_rewrites;
    std::optional<std::filesystem::path> ort_library;
    Limits limits;  ///< of what the model may ask for; they change no byte
    int threads = 0;
};
struct Explanation {
    std::string text;  ///< for people
    std::string json;  ///< the same facts
};
/// Which operator runs where and why. `samples` (may be null) give the first sample's shapes.
Explanation explain(const ExplainOptions& options, const Samples* samples = nullptr);

struct MeasureOptions {
    std::filesystem::path snapshot;
    std::filesystem::path model;  ///< the snapshot was made from
    int64_t images = 20;          ///< samples used
    std::string npu;              ///< configuration, a name or file; empty: the snapshot's own name
    std::optional<std::filesystem::path> ort_library;
    Limits limits;  ///< of what the model may ask for; they change no byte
    int threads = 0;
};
/// Errors measured anew on samples, as JSON text: of each layer, worst first, of what CPU subgraphs make, and of the
/// outputs. Throws Error VERIFY_MODEL where the model is not the one that was compiled.
std::string measure(const MeasureOptions& options, const Samples& samples);

}  // namespace calotype
