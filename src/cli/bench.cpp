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

int work(const Options& options) {
    const BenchResult result = bench(options.snapshot, options.rounds, options.layers, runner_options(options.run));
    if (options.json) {
        Json json{{"best_ms", result.best_ms},
                  {"median_ms", result.median_ms},
                  {"rounds", result.rounds},
                  {"isa", result.isa}};
        for (const LayerTime& layer : result.layers) {
            json["layers"].push_back({{"name", layer.name},
                                      {"kind", layer.kind},
                                      {"best_ms", layer.best_ms},
                                      {"median_ms", layer.median_ms},
                                      {"macs", layer.macs}});
        }
        fmt::print("{}\n", json.dump(2));
        return kFine;
    }
    fmt::print("best {:.3f} ms, median {:.3f} ms of {} rounds, one sample ({})\n", result.best_ms, result.median_ms,
               result.rounds, result.isa);
    if (!result.layers.empty()) fmt::print("  {:>9} {:>9} {:>8}  layer\n", "best ms", "median ms", "GMAC/s");
    for (const LayerTime& layer : result.layers) {
        const double rate = layer.best_ms > 0 ? 1e-6 * static_cast<double>(layer.macs) / layer.best_ms : 0;
        fmt::print("  {:9.4f} {:9.4f} {:8.1f}  {} ({})\n", layer.best_ms, layer.median_ms, rate, layer.name,
                   layer.kind);
    }
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
    command->add_flag("--layers", options->layers, "Time of each layer");
    add_run_options(*command, options->run, true);
}

}  // namespace calotype::cli
