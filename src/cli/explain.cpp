#include <fmt/format.h>

#include "calotype/compile.hpp"
#include "cli/options.hpp"
#include "cli/process_bounds.hpp"

namespace calotype::cli {
namespace {

struct Options {
    bool json = false;
    std::string model, samples, ort_library;
    std::vector<std::string> shapes;
    SampleOptions image;
    LimitOptions limits;
    ExplainOptions explain;
};

int work(const Options& given) {
    ExplainOptions options = given.explain;
    options.model = given.model;
    options.ort_library = optional_path(given.ort_library);
    options.limits = bound_process(given.limits, given.model);
    for (const std::string& shape : given.shapes) options.shapes.push_back(parse_shape(shape));
    std::optional<samples::Source> source;
    if (!given.samples.empty()) {
        source.emplace(open_samples(given.samples, model_inputs(options.model, options.limits), given.image));
        print_notes(*source);
    }
    const Explanation explanation = explain(options, source ? &*source : nullptr);
    std::string text = given.json ? explanation.json : explanation.text;
    if (!text.ends_with('\n')) text += '\n';
    fmt::print("{}", text);
    return kFine;
}

}  // namespace

void add_explain(CLI::App& app, Action& action) {
    auto options = std::make_shared<Options>();
    CLI::App* command = add_command(app, action, "explain", "Tell which operator runs where, why, and what to change",
                                    "calotype explain model.onnx --shape image=1x3x224x224", options, work);
    command->add_option("MODEL", options->model, "ONNX file")->required();
    command->add_option("--npu", options->explain.npu, "NPU configuration, a name or a file")->capture_default_str();
    CLI::Option* shape = command->add_option("--shape", options->shapes,
                                             "INPUT=DIMS where a dim other than the batch is free; repeatable");
    command->add_option("--samples", options->samples, "Samples, whose first gives the shapes")->excludes(shape);
    command->add_option("--disable", options->explain.disabled_rewrites,
                        "Switch a rewrite of the graph off; repeatable");
    command->add_option("--threads", options->explain.threads, "0: as many as there are processors")
        ->capture_default_str();
    command->add_option("--ort-library", options->ort_library, "ONNX Runtime's shared library");
    add_limit_options(*command, options->limits, LimitsOf::models);
    add_sample_options(*command, options->image);
}

}  // namespace calotype::cli
