#include <fmt/format.h>

#include <algorithm>

#include "base/limits.hpp"
#include "calotype/compile.hpp"
#include "calotype/snapshot.hpp"
#include "cli/options.hpp"
#include "cli/report_text.hpp"

namespace calotype::cli {
namespace {

struct Options {
    bool json = false;
    int64_t images = 20;
    size_t worst = 10;
    std::string snapshot, model, samples;
    RunOptions run;
    SampleOptions image;
};

/// The report recorded at compile, or measured anew where a model and samples are given.
Json layer_report(const Options& options) {
    if (options.model.empty()) return Json::parse(inspect(options.snapshot)).at("report");
    const samples::Source source =
        open_samples(options.samples, model_inputs(options.model, limits_of(options.run.limits)), options.image,
                     ports(options.snapshot).preprocessing);
    print_notes(source);
    return Json::parse(
        measure({options.snapshot, options.model, options.images, options.run.npu,
                 optional_path(options.run.ort_library), limits_of(options.run.limits), options.run.threads},
                source));
}

int work(const Options& options) {
    if (options.model.empty() != options.samples.empty()) {
        throw Error({"OPTION_MISSING", "`--model` and `--samples`",
                     "only one of them is given, errors are measured anew with both"});
    }
    const std::vector<Check> checks = verify(options.snapshot, runner_options(options.run, options.snapshot));
    const Json report = layer_report(options);
    const bool passed = std::ranges::all_of(checks, &Check::passed);
    if (options.json) {
        Json json{{"passed", passed}};
        for (const Check& check : checks)
            json["checks"].push_back({{"name", check.name}, {"passed", check.passed}, {"detail", check.detail}});
        json["measured"] = options.model.empty() ? "at compile" : "anew";
        json["report"] = report;
        fmt::print("{}\n", json.dump(2));
    } else {
        for (const Check& check : checks)
            fmt::print("{:6} {}: {}\n", check.passed ? "ok" : "FAILED", check.name, check.detail);
        print_layer_errors(report, options.worst);
    }
    return passed ? kFine : kBadInput;
}

}  // namespace

void add_verify(CLI::App& app, Action& action) {
    auto options = std::make_shared<Options>();
    CLI::App* command =
        add_command(app, action, "verify",
                    "Prove a snapshot: checksums, golden vectors, kernels against the reference, errors per layer",
                    "calotype verify model.snapshot --model model.onnx --samples images.npz", options, work);
    command->add_option("SNAPSHOT", options->snapshot, "What `calotype compile` wrote")->required();
    command->add_option("--model", options->model, "The ONNX file it was made from: measures the errors anew");
    command->add_option("--samples", options->samples, "Samples to measure them on");
    command->add_option("--images", options->images, "How many of them")->capture_default_str();
    command->add_option("--worst", options->worst, "Layers to list")->capture_default_str();
    add_run_options(*command, options->run, LimitsOf::models);
    add_sample_options(*command, options->image);
}

}  // namespace calotype::cli
