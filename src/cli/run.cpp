#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/counted.hpp"
#include "base/elements.hpp"
#include "base/replace.hpp"
#include "calotype/snapshot.hpp"
#include "cli/options.hpp"
#include "cli/progress.hpp"
#include "cli/run_outputs.hpp"
#include "samples/npz.hpp"

namespace calotype::cli {
namespace {

struct Options {
    bool json = false;
    std::string snapshot, input, output, layers_output;
    RunOptions run;
    SampleOptions image;
};

using Sample = std::map<std::string, Tensor>;

constexpr int64_t kTogetherBytes = int64_t{64} << 20;

/// Samples, each input's arrays behind one another along axis 0.
Sample joined(const std::vector<Sample>& samples) {
    if (samples.size() == 1) return samples[0];
    Sample together;
    for (const auto& [name, first] : samples[0]) {
        Dims dims = first.dims();
        if (dims.empty()) dims = {1};
        dims[0] *= static_cast<int64_t>(samples.size());
        Tensor& all = together[name] = Tensor(first.type(), dims);
        for (size_t i = 0; i < samples.size(); ++i)
            put(samples[i].at(name), all, static_cast<int64_t>(i) * first.elements());
    }
    return together;
}

bool same_size(const Sample& a, const Sample& b) {
    return std::ranges::equal(a, b, [](const auto& x, const auto& y) { return x.second.dims() == y.second.dims(); });
}

int64_t bytes_of(const Sample& sample) {
    int64_t bytes = 0;
    for (const auto& entry : sample) bytes += content_bytes(entry.second);
    return bytes;
}

/// Whether samples can be laid behind one another: every input has a free batch axis, or all ports have one of 1.
bool batched(const Runner& runner) {
    const auto all = [](const std::vector<PortInfo>& ports, auto is_batch) {
        return std::ranges::all_of(ports,
                                   [&](const PortInfo& port) { return !port.dims.empty() && is_batch(port.dims[0]); });
    };
    const auto of_one = [](int64_t size) { return size == -1 || size == 1; };
    return all(runner.inputs(), [](int64_t size) { return size == -1; }) ||
           (all(runner.inputs(), of_one) && all(runner.outputs(), of_one));
}

/// Whether the model has sequences or optionals: then one run takes and gives the whole.
bool is_whole(const Runner& runner) {
    const auto is_other = [](const PortInfo& port) { return port.kind != Kind::tensor; };
    return std::ranges::any_of(runner.inputs(), is_other) || std::ranges::any_of(runner.outputs(), is_other);
}

/// Samples that follow one another in one size are run together, at most `most`.
void run_all(Runner& runner, const samples::Source& source, int64_t most, Outputs& outputs, Progress& progress) {
    std::vector<Sample> group;
    const auto flush = [&](int64_t end) {
        if (group.empty()) return;
        const Sample inputs = joined(group);
        outputs.add(source.stem(end - static_cast<int64_t>(group.size())), runner.run({inputs.begin(), inputs.end()}),
                    is_whole(runner));
        group.clear();
        progress.show("samples", static_cast<double>(end) / static_cast<double>(source.count()));
    };
    for (int64_t i = 0; i < source.count(); ++i) {
        Sample sample = source.at(i);
        const auto count = static_cast<int64_t>(group.size());
        const bool fits = count < most && (count + 1) * bytes_of(sample) <= kTogetherBytes;
        if (count > 0 && (!fits || !same_size(group[0], sample))) flush(i);
        group.push_back(std::move(sample));
    }
    flush(source.count());
}

/// All samples at once.
Sample all_of(const samples::Source& source, bool whole) {
    if (whole && source.count() > 1)
        throw Error({"OUTPUT_SHAPE", "`--layers-output`",
                     "the samples of a model with sequences or optionals are not joined", "give one sample"});
    std::vector<Sample> samples;
    for (int64_t i = 0; i < source.count(); ++i) {
        samples.push_back(source.at(i));
        if (!same_size(samples[0], samples.back()))
            throw Error({"OUTPUT_SHAPE", "`--layers-output`", fmt::format("samples 0 and {} differ in size", i),
                         "give samples of one size"});
    }
    return joined(samples);
}

int work(const Options& options) {
    if (!options.layers_output.empty()) check_file_can_be_made(options.layers_output);
    const auto outputs = open_outputs(options.output);
    Progress progress;
    RunnerOptions runner_options = cli::runner_options(options.run, options.snapshot);
    runner_options.message = [&](std::string_view text) { progress.message(text); };
    Runner runner(options.snapshot, runner_options);
    const samples::Source source =
        open_samples(options.input, runner.inputs(), options.image, ports(options.snapshot).preprocessing);
    print_notes(source);
    const auto start = std::chrono::steady_clock::now();
    run_all(runner, source, batched(runner) ? outputs->most_together() : 1, *outputs, progress);
    if (!options.layers_output.empty()) {
        const Sample inputs = all_of(source, is_whole(runner));
        samples::write_npz(options.layers_output,
                           layer_codes(options.snapshot, {inputs.begin(), inputs.end()}, runner_options));
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const std::vector<Written> written = outputs->commit();
    const int64_t broken = runner.broken_inputs().values;
    Json names = Json::array();
    for (const Written& output : written) {
        names.push_back({{"name", output.name}});
        if (!output.dims.empty()) names.back()["dims"] = output.dims;
    }
    if (options.json) {
        fmt::print("{}\n", Json{{"samples", source.count()},
                                {"seconds", seconds},
                                {"output", options.output},
                                {"outputs", names},
                                {"broken_values", broken}}
                               .dump(2));
    } else {
        fmt::print("{} in {:.2f} s -> {}{}\n", counted(source.count(), "sample"), seconds, options.output,
                   broken > 0 ? fmt::format("; {} broke their input's type or range", counted(broken, "value")) : "");
    }
    return kFine;
}

}  // namespace

void add_run(CLI::App& app, Action& action) {
    auto options = std::make_shared<Options>();
    CLI::App* command =
        add_command(app, action, "run", "Run a snapshot on inputs",
                    "calotype run model.snapshot --input images.npz --output scores.npz", options, work);
    command->add_option("SNAPSHOT", options->snapshot, "What `calotype compile` wrote")->required();
    command->add_option("--input", options->input, ".npz, .npy, a folder of those, or a folder of images")->required();
    command
        ->add_option("--output", options->output,
                     ".npz, .npy for a model with one output, or a folder for one .npy a sample")
        ->required();
    command->add_option("--layers-output", options->layers_output,
                        ".npz that gets every layer's codes as well; holds all samples in memory");
    add_kernel_option(*command, options->run);
    add_run_options(*command, options->run, LimitsOf::runs);
    add_sample_options(*command, options->image);
}

}  // namespace calotype::cli
