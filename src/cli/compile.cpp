#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ranges>

#include "calotype/compile.hpp"
#include "cli/options.hpp"
#include "cli/process_bounds.hpp"
#include "cli/progress.hpp"
#include "cli/report_text.hpp"
#include "quantize/quantize.hpp"

namespace calotype::cli {
namespace {

struct Options {
    bool json = false, no_golden = false;
    std::string samples, dump, ort_library, model, output;
    std::vector<std::string> shapes;
    SampleOptions image;
    LimitOptions limits;
    CompileOptions compile;
};

int work(const Options& given) {
    CompileOptions options = given.compile;
    options.model = given.model;
    options.output = given.output;
    options.golden = !given.no_golden;
    options.dump = optional_path(given.dump);
    options.ort_library = optional_path(given.ort_library);
    options.limits = bound_process(given.limits, given.model);
    for (const std::string& shape : given.shapes) options.shapes.push_back(parse_shape(shape));
    Progress progress;
    options.progress = [&](const CompileProgress& now) { progress.show(now.stage, now.done, now.detail); };
    options.message = [&](std::string_view text) { progress.message(text); };
    const CompileResult result =
        given.samples.empty()
            ? compile(options)
            : compile(options, open_samples(given.samples, model_inputs(options.model, options.limits), given.image, {},
                                            options.npu == "none"));
    progress.show("done", 1);
    if (given.json) {
        fmt::print("{}\n",
                   Json{{"snapshot", result.snapshot.string()}, {"report", Json::parse(result.report_json)}}.dump(2));
    } else {
        print_summary(result.snapshot);
        fmt::print(
            "next: calotype run {0} --input INPUT.npz --output OUTPUT.npz, calotype verify {0}, calotype bench {0}\n",
            result.snapshot.string());
    }
    return kFine;
}

}  // namespace

void add_compile(CLI::App& app, Action& action) {
    auto options = std::make_shared<Options>();
    CLI::App* command =
        add_command(app, action, "compile", "Make a snapshot from an ONNX model and a few samples",
                    "calotype compile model.onnx --samples images.npz -o model.snapshot --images 20", options, work);
    CompileOptions& compile = options->compile;
    command->add_option("MODEL", options->model, "ONNX file")->required();
    command->add_option("--samples", options->samples,
                        ".npz, .npy, a folder of those, or a folder of images; a quantized model needs none");
    command->add_option("-o,--output", options->output, "The snapshot, a directory; replaced whole if it exists")
        ->required();
    command->add_option("--npu", compile.npu, "NPU configuration, a name or a file; none: all in FP32 on ONNX Runtime")
        ->capture_default_str();
    command->add_option("--images", compile.images, "Samples used for calibration")->capture_default_str();
    command->add_option("--mode", compile.mode, "fast; no other mode is built yet")->capture_default_str();
    command->add_flag("--deep", compile.deep, "Fine-tune the weights against the FP32 network; not built yet");
    command->add_option("--precision", compile.precision, "INT8; BF16 and MIXED are not built yet")
        ->capture_default_str();
    command->add_option(
        "--shape", options->shapes,
        "INPUT=DIMS: one more input shape to make a program for, beside the first sample's (of a quantized model "
        "without samples the first); repeatable");
    command->add_option("--without", compile.without,
                        fmt::format("Switch an ingredient of quantization off (one of {}); repeatable",
                                    fmt::join(std::views::keys(quantize::ingredients()), ", ")));
    command->add_option("--disable", compile.disabled_rewrites, "Switch a rewrite of the graph off; repeatable");
    command->add_option("--threads", compile.threads, "0: as many as there are processors; never changes a byte")
        ->capture_default_str();
    command->add_option("--dump", options->dump,
                        "Directory for each stage's result as text; a former dump in it is replaced");
    command->add_flag("--no-golden", options->no_golden, "Leave the golden vectors (the first sample) out");
    command->add_option("--ort-library", options->ort_library, "ONNX Runtime's shared library");
    add_limit_options(*command, options->limits, LimitsOf::models);
    add_sample_options(*command, options->image);
}

}  // namespace calotype::cli
