// The main flow: model file and samples to a snapshot.

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "calotype/compile.hpp"
#include "plan/plan.hpp"
#include "observe/observe.hpp"
#include "onnx/read.hpp"
#include "onnx/write.hpp"
#include "optimize/optimize.hpp"
#include "partition/partition.hpp"
#include "quantize/quantize.hpp"
#include "report/explain.hpp"
#include "runtime/golden.hpp"
#include "runtime/load.hpp"
#include "snapshot/snapshot.hpp"
#include "view/view.hpp"

namespace calotype {
namespace {

using nlohmann::json;
constexpr std::string_view kToolVersion = "0.1.0";

/// The graph after import and optimization, its file's shapes, and the split.
struct Front {
    npu::Config config;
    ort::Library library;
    graph::Graph file_graph;  ///< as imported: free dims
    graph::Graph graph;
    partition::Plan plan;
    int64_t batch = 1;
};

class Dump {
  public:
    explicit Dump(const std::optional<std::filesystem::path>& folder) : folder_(folder) {
        if (folder_) std::filesystem::create_directories(*folder_);
    }
    void operator()(std::string_view stage, const std::string& text) {
        if (folder_) write_file(*folder_ / fmt::format("{:03}_{}.txt", number_++, stage), text);
    }

  private:
    std::optional<std::filesystem::path> folder_;
    int number_ = 0;
};

bool batch_is_free(const graph::Graph& file_graph) {
    return std::any_of(file_graph.inputs.begin(), file_graph.inputs.end(), [&](graph::ValueId id) {
        const auto& dims = file_graph.value(id).dims;
        return dims && !dims->empty() && dims->front() < 0;
    });
}

Front front(const std::filesystem::path& model, const std::string& npu, const std::vector<std::string>& disabled,
            const std::optional<std::filesystem::path>& ort_library, const std::map<std::string, Tensor>& sample, Dump& dump) {
    Front front{npu::find_config(npu), ort::Library::load(ort_library), onnx::read(model), {}, {}, 1};
    front.graph = front.file_graph;
    dump("import", graph::to_text(front.graph));
    observe::concretize(front.graph, front.library, sample);
    dump("concretize", graph::to_text(front.graph));
    optimize::Options options;
    options.disabled = disabled;
    options.evaluate = observe::make_evaluator(front.library);
    options.dump = [&](std::string_view rewrite, const graph::Graph& after) { dump(rewrite, graph::to_text(after)); };
    optimize::run(front.graph, options);
    front.plan = partition::partition(front.graph, front.config);
    const auto& first = front.graph.inputs.empty() ? std::optional<Dims>() : front.graph.value(front.graph.inputs[0]).dims;
    if (first && !first->empty()) front.batch = first->front();
    return front;
}

/// FP32 values of the samples for one network.
quantize::Values values_of(const Front& front, const npu::FloatNetwork& network, const Samples& samples) {
    std::vector<std::string> names;
    for (const npu::FloatTensor& tensor : network.tensors) names.push_back(tensor.value);
    for (const npu::FloatLayer& layer : network.layers) names.push_back(layer.sum_value);
    for (const npu::Placement& input : network.inputs) names.push_back(input.value);
    auto observer = std::make_shared<observe::Observer>(front.graph, front.library, std::move(names));
    auto guard = std::make_shared<std::mutex>();
    return [observer, guard, &samples](int64_t index) {
        std::unique_lock lock(*guard);  // a source of samples need not be safe for several threads
        const auto sample = samples.at(index);
        lock.unlock();
        return observer->run(sample);
    };
}

execute::Port port_of(const Front& front, graph::ValueId id) {
    const graph::Value& value = front.graph.value(id);
    execute::Port port{value.name, value.type.value_or(DataType::float32), value.dims.value_or(Dims{}), Boundary::plain, {}};
    if (batch_is_free(front.file_graph) && !port.dims.empty() && port.dims[0] == front.batch) port.dims[0] = -1;
    return port;
}

/// Boundaries where an NPU subgraph reads an input of the model, or makes an output.
void set_boundaries(execute::Model& model, const npu::Network& network, const std::vector<bool>& whole_numbers) {
    for (size_t i = 0; i < network.inputs.size(); ++i) {
        for (execute::Port& port : model.inputs) {
            if (port.name != network.inputs[i].value) continue;
            port.quantization = network.tensors[static_cast<size_t>(network.inputs[i].tensor)].quantization;
            const bool bytes = whole_numbers[i];
            port.boundary = !bytes ? Boundary::quantized : port.quantization.zero_point[0] == -128 ? Boundary::uint8 : Boundary::int8;
        }
    }
    for (const npu::Placement& output : network.outputs) {
        for (execute::Port& port : model.outputs) {
            if (port.name != output.value) continue;
            port.quantization = network.tensors[static_cast<size_t>(output.tensor)].quantization;
            port.boundary = Boundary::quantized;
        }
    }
}

json layer_report(const npu::Network& network, const npu::Program& program, const std::vector<quantize::LayerError>& errors,
                  size_t subgraph) {
    json layers = json::array();
    for (const npu::Step& step : program.steps) {
        const auto index = static_cast<size_t>(step.layer);
        const npu::Layer& layer = network.layers[index];
        const npu::Quantization& quantization = network.tensors[static_cast<size_t>(layer.output)].quantization;
        const auto [least, most] = std::minmax_element(quantization.scale.begin(), quantization.scale.end());
        layers.push_back({{"subgraph", fmt::format("NPU_{}", subgraph)},
                          {"name", layer.name},
                          {"kind", npu::kind_name(layer.attributes)},
                          {"sources", layer.sources},
                          {"precision", "INT8"},
                          {"scales", quantization.scale.size()},
                          {"least_scale", *least},
                          {"most_scale", *most},
                          {"snr_db", errors[index].snr_db},
                          {"activation_error_codes", errors[index].activation_codes},
                          {"macs", step.macs},
                          {"cycles", step.cycles}});
    }
    return layers;
}

std::vector<npu::Program> programs_of(const execute::Model& model) {
    std::vector<npu::Program> programs;
    for (const execute::Subgraph& subgraph : model.subgraphs) {
        if (const auto* npu = std::get_if<execute::NpuSubgraph>(&subgraph)) programs.push_back(npu->program);
    }
    return programs;
}

/// Options that change what is computed, in canonical form.
std::string options_text(const CompileOptions& options) {
    std::vector<std::string> without = options.without, disabled = options.disabled_rewrites;
    std::sort(without.begin(), without.end());
    std::sort(disabled.begin(), disabled.end());
    json shapes = json::array();
    for (const auto& [name, dims] : options.shapes) shapes.push_back({name, dims});
    return json{{"images", options.images}, {"mode", options.mode}, {"precision", options.precision}, {"deep", options.deep},
                {"without", without}, {"disabled", disabled}, {"shapes", shapes}, {"golden", options.golden}}
        .dump();
}

void refuse_unbuilt(const CompileOptions& options) {
    const auto refuse = [](std::string option, std::string fact) {
        throw Error({"OPTION_NOT_BUILT", std::move(option), std::move(fact), "leave the option out"});
    };
    if (options.mode != "fast" && options.mode != "constrainedCalibrationV1.5") refuse(fmt::format("--mode `{}`", options.mode), "only the mode `fast` is built so far");
    if (options.precision != "INT8") refuse(fmt::format("--precision `{}`", options.precision), "only INT8 is built so far");
    if (options.deep) refuse("--deep", "deep quantization is not built so far");
    if (!options.shapes.empty()) refuse("--shape", "programs for further shapes are not built so far; the first sample's shape is used");
}

/// A sample of zeros, so that shapes are known. A free batch is 1; any other free dim must be given.
std::map<std::string, Tensor> zeros_for(const ExplainOptions& options) {
    std::map<std::string, Tensor> sample;
    for (const PortInfo& input : model_inputs(options.model)) {
        Dims dims = input.dims;
        if (!dims.empty() && dims[0] < 0) dims[0] = 1;
        for (const auto& [name, given] : options.shapes) {
            if (name == input.name) dims = given;
        }
        for (size_t i = 0; i < dims.size(); ++i) {
            if (dims[i] >= 0) continue;
            throw Error({"SHAPE_FREE", fmt::format("input `{}`", input.name), fmt::format("its dim {} of {} is free", i, to_string(input.dims)),
                         fmt::format("give --shape {}=1x3x224x224 or --samples", input.name)});
        }
        sample.emplace(input.name, Tensor(input.type, dims));
    }
    return sample;
}

int64_t sample_count(const CompileOptions& options, const Samples& samples) {
    if (samples.count() < 1) throw Error({"SAMPLES_NONE", "the samples", "there are none, at least 1 is needed", "give --samples with representative inputs; 5 to 20 are advised"});
    if (options.images < 1) throw Error({"OPTION_RANGE", "--images", fmt::format("it is {}, at least 1 is needed", options.images), "5 to 20 are advised"});
    if (samples.count() < options.images && options.message) {
        options.message(fmt::format("there are {} samples, {} were asked for: all of them are used", samples.count(), options.images));
    }
    return std::min(options.images, samples.count());
}

}  // namespace

std::vector<PortInfo> model_inputs(const std::filesystem::path& model) {
    const graph::Graph graph = onnx::read(model);
    std::vector<PortInfo> inputs;
    for (const graph::ValueId id : graph.inputs) {
        const graph::Value& value = graph.value(id);
        if (!value.dims) throw Error({"ONNX_INVALID", fmt::format("input `{}`", value.name), "it has no shape", "export the model with input shapes"});
        inputs.push_back({value.name, value.type.value_or(DataType::float32), *value.dims, Boundary::plain, 0, 0});
    }
    return inputs;
}

CompileResult compile(const CompileOptions& options, const Samples& samples) {
    refuse_unbuilt(options);
    const int64_t count = sample_count(options, samples);
    const auto progress = [&](std::string_view stage, double done) {
        if (options.progress) options.progress(stage, done);
    };
    Dump dump(options.dump);
    progress("import", 0);
    const auto first_sample = samples.at(0);
    Front front = calotype::front(options.model, options.npu, options.disabled_rewrites, options.ort_library, first_sample, dump);
    progress("import", 1);

    ThreadPool pool(runtime::thread_count(options.threads));
    snapshot::Contents contents;
    execute::Model& model = contents.model;
    model.batch = front.batch;
    for (const graph::ValueId id : front.graph.inputs) model.inputs.push_back(port_of(front, id));
    for (const graph::ValueId id : front.graph.outputs) model.outputs.push_back(port_of(front, id));
    json layers = json::array();
    for (size_t k = 0; k < front.plan.subgraphs.size(); ++k) {
        const partition::Subgraph& part = front.plan.subgraphs[k];
        if (part.device == partition::Device::cpu) {
            model.subgraphs.emplace_back(execute::CpuSubgraph{onnx::write(part.graph), part.inputs, part.outputs});
            continue;
        }
        quantize::Options quantize_options{{options.without.begin(), options.without.end()}, [&](double done) { progress("quantize", done); }};
        auto quantized = quantize::quantize(part.network, values_of(front, part.network, samples), count, quantize_options, pool);
        npu::Program program = plan::plan(quantized.network, front.config);
        set_boundaries(model, quantized.network, quantized.whole_numbers);
        for (auto& layer : layer_report(quantized.network, program, quantized.errors, k)) layers.push_back(std::move(layer));
        model.subgraphs.emplace_back(execute::NpuSubgraph{std::move(quantized.network), std::move(program)});
    }

    progress("snapshot", 0);
    contents.tool_version = kToolVersion;
    contents.npu = {front.config.name, front.config.fingerprint};
    contents.model_sha256 = sha256(onnx::write(front.file_graph));
    contents.samples_sha256 = samples.sha256();
    contents.options_sha256 = sha256(options_text(options));
    contents.preprocessing = samples.preprocessing();
    if (options.golden) contents.golden = runtime::make_golden(model, first_sample, pool, options.ort_library);
    std::vector<view::Part> parts;
    for (size_t k = 0; k < model.subgraphs.size(); ++k) {
        if (const auto* npu = std::get_if<execute::NpuSubgraph>(&model.subgraphs[k])) {
            parts.emplace_back(view::NpuPart{&npu->network, &npu->program});
        } else {
            parts.emplace_back(view::CpuPart{&front.plan.subgraphs[k].graph});
        }
    }
    contents.iriz_onnx = onnx::write(view::make_view(front.graph, parts));
    json report = json::parse(report::explain_json(front.plan, programs_of(model), front.config, options.model.filename()));
    report["layers"] = std::move(layers);
    report["images"] = count;
    contents.report_json = report.dump();
    snapshot::write(options.output, contents);
    progress("snapshot", 1);
    return {options.output, contents.report_json};
}

Explanation explain(const ExplainOptions& options, const Samples* samples) {
    Dump dump({});
    const auto sample = samples != nullptr && samples->count() > 0 ? samples->at(0) : zeros_for(options);
    const Front front = calotype::front(options.model, options.npu, options.disabled_rewrites, options.ort_library, sample, dump);
    std::vector<npu::Program> programs;
    for (const partition::Subgraph& part : front.plan.subgraphs) {
        if (part.device == partition::Device::npu) programs.push_back(plan::plan(part.network, front.config));
    }
    const std::string name = options.model.filename();
    return {report::explain_text(front.plan, programs, front.config, name), report::explain_json(front.plan, programs, front.config, name)};
}

std::string measure(const std::filesystem::path& path, const std::filesystem::path& model, const Samples& samples, int64_t images,
                    const std::optional<std::filesystem::path>& ort_library, int threads) {
    const snapshot::Contents contents = snapshot::read(path);
    if (samples.count() < 1) throw Error({"SAMPLES_NONE", "the samples", "there are none, at least 1 is needed", "give --samples with inputs of the model"});
    Dump dump({});
    const Front front = calotype::front(model, contents.npu.name, {}, ort_library, samples.at(0), dump);
    ThreadPool pool(runtime::thread_count(threads));
    json layers = json::array();
    for (size_t k = 0; k < contents.model.subgraphs.size(); ++k) {
        const auto* npu = std::get_if<execute::NpuSubgraph>(&contents.model.subgraphs[k]);
        if (npu == nullptr) continue;
        if (k >= front.plan.subgraphs.size() || front.plan.subgraphs[k].network.layers.size() != npu->network.layers.size()) {
            throw Error({"VERIFY_MODEL", fmt::format("`{}`", model.string()), "the snapshot was made from another model", "give the model that was compiled"});
        }
        const npu::FloatNetwork& network = front.plan.subgraphs[k].network;
        const auto errors = quantize::measure(network, npu->network, values_of(front, network, samples), std::min(images, samples.count()),
                                              front.batch, pool);
        for (const quantize::LayerError& error : errors) {
            layers.push_back({{"subgraph", fmt::format("NPU_{}", k)}, {"name", error.layer}, {"snr_db", error.snr_db}});
        }
    }
    std::stable_sort(layers.begin(), layers.end(), [](const json& a, const json& b) { return a["snr_db"] < b["snr_db"]; });
    return json{{"layers", layers}}.dump();
}

}  // namespace calotype
