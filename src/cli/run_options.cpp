#include "cli/options.hpp"
#include "cli/process_bounds.hpp"

namespace calotype::cli {

void add_kernel_option(CLI::App& command, RunOptions& options) {
    command.add_option("--kernels", options.kernels, "auto, reference, avx2 or avx512; all give the same bits")
        ->capture_default_str();
}

void add_run_options(CLI::App& command, RunOptions& options, LimitsOf of) {
    command.add_option("--threads", options.threads, "0: as many as there are processors; never changes the result")
        ->capture_default_str();
    command.add_option("--npu", options.npu,
                       "Configuration present, a name or a file; the snapshot's own where it is left out");
    command.add_option("--ort-library", options.ort_library, "ONNX Runtime's shared library, for CPU subgraphs");
    add_limit_options(command, options.limits, of);
}

RunnerOptions runner_options(const RunOptions& options, const std::string& snapshot) {
    return {options.threads,
            options.kernels,
            options.npu,
            optional_path(options.ort_library),
            {},
            bound_process(options.limits, snapshot)};
}

}  // namespace calotype::cli
