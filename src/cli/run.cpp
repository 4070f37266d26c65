#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "calotype/snapshot.hpp"
#include "cli/options.hpp"
#include "cli/progress.hpp"
#include "samples/npy.hpp"
#include "samples/npz.hpp"

namespace calotype::cli {
namespace {

struct Options {
    bool json = false;
    std::string snapshot, input, output, layers_output;
    RunOptions run;
    SampleOptions image;
};

// Samples run together: enough to keep every worker busy, few enough that memory does not grow with their number.
constexpr int64_t kTogether = 64;

/// Samples `first` to `last` of the source, each input's arrays behind one another along axis 0.
std::map<std::string, Tensor> gather(const samples::Source& source, int64_t first, int64_t last) {
    std::map<std::string, std::vector<Tensor>> parts;
    for (int64_t i = first; i < last; ++i) {
        for (auto& [name, tensor] : source.at(i)) parts[name].push_back(std::move(tensor));
    }
    std::map<std::string, Tensor> together;
    for (auto& [name, tensors] : parts) {
        Dims dims = tensors[0].dims();
        if (tensors.size() > 1 && dims.empty()) dims = {1};
        if (tensors.size() > 1) dims[0] *= static_cast<int64_t>(tensors.size());
        std::vector<std::byte> bytes;
        for (const Tensor& tensor : tensors) bytes.insert(bytes.end(), tensor.bytes().begin(), tensor.bytes().end());
        together.emplace(name, Tensor(tensors[0].type(), dims, std::move(bytes)));
    }
    return together;
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

/// Appends along axis 0.
class Collector {
  public:
    void add(std::map<std::string, Tensor> outputs) {
        for (auto& [name, tensor] : outputs) {
            Array& array = arrays_[name];
            const bool has_batch = !tensor.dims().empty();
            if (array.count == 0)
                array.dims = tensor.dims();
            else if (!same_but_first(array.dims, tensor.dims()))
                differs(name, tensor.dims(), array.dims);
            else if (has_batch)
                array.dims[0] += tensor.dims()[0];
            array.type = tensor.type();
            array.bytes.insert(array.bytes.end(), tensor.bytes().begin(), tensor.bytes().end());
            ++array.count;
        }
    }
    std::map<std::string, Tensor> take() {
        std::map<std::string, Tensor> tensors;
        for (auto& [name, array] : arrays_) {
            if (array.dims.empty() && array.count > 1) array.dims = {array.count};
            tensors.emplace(name, Tensor(array.type, array.dims, std::move(array.bytes)));
        }
        return tensors;
    }

  private:
    static bool same_but_first(const Dims& a, const Dims& b) {
        return a.size() == b.size() && (a.empty() || std::equal(a.begin() + 1, a.end(), b.begin() + 1));
    }
    [[noreturn]] static void differs(const std::string& name, const Dims& found, const Dims& before) {
        throw Error({"OUTPUT_SHAPE", fmt::format("output `{}`", name),
                     fmt::format("its shape {} does not go behind {} of the samples before", to_string(found),
                                 to_string(before)),
                     "run such samples one at a time"});
    }

    struct Array {
        DataType type = DataType::float32;
        Dims dims;
        std::vector<std::byte> bytes;
        int64_t count = 0;
    };
    std::map<std::string, Array> arrays_;
};

void write_outputs(const std::filesystem::path& path, const std::map<std::string, Tensor>& outputs) {
    if (path.extension() == ".npz") return samples::write_npz(path, outputs);
    if (outputs.size() != 1) {
        throw Error({"OUTPUT_FORMAT", fmt::format("`{}`", path.string()),
                     fmt::format("an .npy holds one array, the model has {} outputs", outputs.size()),
                     "name a file that ends in .npz"});
    }
    samples::write_npy(path, outputs.begin()->second);
}

int work(const Options& options) {
    const std::filesystem::path output = options.output;
    if (output.extension() != ".npz" && output.extension() != ".npy") {
        throw Error({"OPTION_VALUE", "`--output`", fmt::format("`{}` ends in neither .npz nor .npy", options.output)});
    }
    Progress progress;
    RunnerOptions runner_options = cli::runner_options(options.run);
    runner_options.message = [&](std::string_view text) { progress.message(text); };
    Runner runner(options.snapshot, runner_options);
    const samples::Source source =
        open_samples(options.input, runner.inputs(), options.image, ports(options.snapshot).preprocessing);
    print_notes(source);
    const int64_t together = batched(runner) ? kTogether : 1;
    Collector collector;
    const auto start = std::chrono::steady_clock::now();
    for (int64_t first = 0; first < source.count(); first += together) {
        const int64_t last = std::min(first + together, source.count());
        const auto inputs = gather(source, first, last);
        collector.add(runner.run({inputs.begin(), inputs.end()}));
        progress.show("samples", static_cast<double>(last) / static_cast<double>(source.count()));
    }
    if (!options.layers_output.empty()) {
        const auto inputs = gather(source, 0, source.count());
        samples::write_npz(options.layers_output,
                           layer_codes(options.snapshot, {inputs.begin(), inputs.end()}, runner_options));
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const auto outputs = collector.take();
    write_outputs(output, outputs);
    const int64_t broken = runner.broken_inputs().values;
    Json names = Json::array();
    for (const auto& entry : outputs) names.push_back({{"name", entry.first}, {"dims", entry.second.dims()}});
    if (options.json) {
        fmt::print("{}\n", Json{{"samples", source.count()},
                                {"seconds", seconds},
                                {"output", options.output},
                                {"outputs", names},
                                {"broken_values", broken}}
                               .dump(2));
    } else {
        fmt::print("{} samples in {:.2f} s -> {}{}\n", source.count(), seconds, options.output,
                   broken > 0 ? fmt::format("; {} values broke their input's type", broken) : "");
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
    command->add_option("--output", options->output, ".npz, or .npy for a model with one output")->required();
    command->add_option("--layers-output", options->layers_output,
                        ".npz that gets every layer's codes as well; holds all samples in memory");
    add_run_options(*command, options->run, true);
    add_sample_options(*command, options->image);
}

}  // namespace calotype::cli
