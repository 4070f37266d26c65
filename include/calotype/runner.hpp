#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calotype/limits.hpp"
#include "calotype/port.hpp"

namespace calotype {

struct RunnerOptions {
    int threads = 0;               ///< 0: as many as the machine has processors; never changes a bit of the result
    std::string kernels = "auto";  ///< auto, reference, avx2, avx512: one the machine lacks is an error
    std::string npu;  ///< configuration present, name or file; empty: the snapshot's own name as this tool knows it
    std::optional<std::filesystem::path> ort_library;  ///< ONNX Runtime, only opened where a CPU subgraph exists
    /// Notes for the user, each once: a size that the snapshot holds no program for was planned, values broke their
    /// input's type. May be empty.
    std::function<void(std::string_view text)> message;
    Limits limits;  ///< of a run of a CPU subgraph
};

/// Values of an input that break the type, or lie far outside of the range, found on the samples; they were converted by
/// the same rule.
struct BrokenInputs {
    /// Of whole numbers: fractions and what is out of range; of reals: what lies further beyond the range of the codes
    /// than that is wide, infinities among them; NaN.
    int64_t values = 0;
    std::string example;  ///< "input `x`: 3.5"; of the first
};

/// A snapshot, loaded and ready to run.
///
///     calotype::Runner runner("digits.snapshot");
///     auto outputs = runner.run({{"input", image}});
class Runner {
  public:
    /// Checks every file of the snapshot, then prepares it. Throws Error SNAPSHOT_*, CONFIG_SNAPSHOT_MISMATCH,
    /// KERNELS_UNAVAILABLE, ORT_*.
    explicit Runner(const std::filesystem::path& snapshot, const RunnerOptions& options = {});
    ~Runner();
    Runner(Runner&&) noexcept;
    Runner& operator=(Runner&&) noexcept;

    const std::vector<PortInfo>& inputs() const;
    const std::vector<PortInfo>& outputs() const;

    /// What is no tensor is given and comes as the tensors it holds (calotype/kind.hpp); a model with such an input or
    /// output runs the whole at once, its batch is not cut.
    /// One array an input, [batch, ...] of any batch that the model's own divides; one array an output with the same
    /// batch. A dim that inputs() gives as -1 may have another size than at compile time: the layers are planned for
    /// it when it first comes. Throws Error INPUT_MISSING, INPUT_UNKNOWN, INPUT_SHAPE, INPUT_SIZE, INPUT_TYPE. Calls
    /// from several threads wait for one another; several runners run at the same time.
    std::map<std::string, Tensor> run(const std::map<std::string, TensorView>& inputs);

    /// What broke an input's type since the runner was made.
    BrokenInputs broken_inputs() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace calotype
