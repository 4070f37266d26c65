#include <fmt/format.h>

#include "calotype/snapshot.hpp"
#include "cli/options.hpp"

namespace calotype::cli {
namespace {

struct Options {
    bool json = false, layers = false;
    int64_t rounds = 50;
    std::string snapshot;
    RunOptions run;
};

void print_parts(const BenchResult& result) {
    fmt::print("  {:>9} {:>7} {:>9} {:>8}  part\n", "mean ms", "share", "best ms", "GMAC/s");
    for (const PartTime& part : result.parts) {
        const double rate = part.best_ms > 0 ? 1e-6 * static_cast<double>(part.macs) / part.best_ms : 0;
        fmt::print("  {:9.4f} {:5.1f} % {:9.4f} {:>8}  {} ({})\n", part.mean_ms, 100 * part.mean_ms / result.mean_ms,
                   part.best_ms, part.macs > 0 ? fmt::format("{:.1f}", rate) : "", part.name, part.kind);
    }
    fmt::print("  {:9.4f} {:5.1f} % {:>9} {:>8}  whole\n", result.mean_ms, 100.0, "", "");
}

int work(const Options& options) {
    const BenchResult result =
        bench(options.snapshot, options.rounds, options.layers, runner_options(options.run, options.snapshot));
    if (options.json) {
        Json json{{"measured_on", "the emulator, on this machine"},
                  {"best_ms", result.best_ms},
                  {"median_ms", result.median_ms},
                  {"mean_ms", result.mean_ms},
                  {"predicted_device_ms", result.predicted_ms},
                  {"rounds", result.rounds},
                  {"isa", result.isa}};
        for (const PartTime& part : result.parts) {
            json["parts"].push_back({{"name", part.name},
                                     {"kind", part.kind},
                                     {"mean_ms", part.mean_ms},
                                     {"best_ms", part.best_ms},
                                     {"macs", part.macs}});
        }
        fmt::print("{}\n", json.dump(2));
        return kFine;
    }
    fmt::print(
        "measured, the emulator on this machine: best {:.3f} ms, median {:.3f} ms, mean {:.3f} ms of {} rounds, "
        "one sample ({})\n",
        result.best_ms, result.median_ms, result.mean_ms, result.rounds, result.isa);
    if (result.predicted_ms > 0) fmt::print("predicted, the device: {:.3f} ms\n", result.predicted_ms);
    if (!result.parts.empty()) print_parts(result);
    return kFine;
}

}  // namespace

void add_bench(CLI::App& app, Action& action) {
    auto options = std::make_shared<Options>();
    CLI::App* command = add_command(app, action, "bench", "Measure a snapshot on this machine",
                                    "calotype bench model.snapshot --threads 1 --layers", options, work);
    command->add_option("SNAPSHOT", options->snapshot, "What `calotype compile` wrote")->required();
    command->add_option("--rounds", options->rounds, "Runs of one sample after three to warm up")
        ->capture_default_str();
    command->add_flag("--layers", options->layers,
                      "Time of each layer, boundary conversion and CPU subgraph: they add up to the whole");
    add_kernel_option(*command, options->run);
    add_run_options(*command, options->run, LimitsOf::runs);
}

}  // namespace calotype::cli
