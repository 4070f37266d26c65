// The main flow: model file and samples to a snapshot.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "calotype/compile.hpp"
#include "compiler/check_options.hpp"
#include "compiler/host_nodes.hpp"
#include "compiler/layer_report.hpp"
#include "compiler/mixed_batch.hpp"
#include "compiler/ports.hpp"
#include "compiler/progress.hpp"
#include "compiler/sizes.hpp"
#include "compiler/survey.hpp"
#include "compiler/synthetic.hpp"
#include "compiler/values.hpp"
#include "npu/text.hpp"
#include "observe/observe.hpp"
#include "onnx/write.hpp"
#include "plan/plan.hpp"
#include "quantize/quantize.hpp"
#include "report/explain.hpp"
#include "runtime/golden.hpp"
#include "runtime/load.hpp"
#include "snapshot/check_network.hpp"
#include "snapshot/snapshot.hpp"
#include "view/view.hpp"

namespace calotype {
namespace {

std::vector<npu::Program> programs_of(const execute::Model& model) {
    std::vector<npu::Program> programs;
    for (const execute::Subgraph& subgraph : model.subgraphs) {
        if (const auto* npu = std::get_if<execute::NpuSubgraph>(&subgraph)) programs.push_back(npu->program);
    }
    return programs;
}

/// The view was made for the first sample's shape: where the model's batch is free, the view's is.
void free_batch(graph::Graph& view, const std::vector<execute::Port>& ports) {
    for (const execute::Port& port : ports)
        if (const auto shown = view.find_value(port.name)) view.value(*shown).dims = port.dims;
}

Deadline deadline_of(const CompileOptions& options, std::string stage) {
    return {options.limits, fmt::format("`{}`", options.model.string()), std::move(stage)};
}

graph::Graph view_of(const compiler::Front& front, const execute::Model& model, const Deadline& deadline) {
    std::vector<view::Part> parts;
    for (size_t k = 0; k < model.subgraphs.size(); ++k) {
        if (const auto* npu = std::get_if<execute::NpuSubgraph>(&model.subgraphs[k]))
            parts.emplace_back(view::NpuPart{&npu->network, &npu->program});
        else
            parts.emplace_back(view::CpuPart{&front.plan.subgraphs[k].graph});
    }
    graph::Graph view = view::make_view(front.graph, parts, deadline);
    free_batch(view, model.inputs);
    free_batch(view, model.outputs);
    return view;
}

/// What the import found, for the stages after it.
struct Imported {
    const CompileOptions& options;
    const compiler::FrontOptions& front_options;
    const compiler::Front& front;
    const compiler::Sizes& sizes;
    const std::vector<compiler::FurtherSize>& further;
    const Samples& samples;
    int64_t count;   // of the samples
    bool synthetic;  // one sample of noise, in place of the user's
};

execute::Model without_subgraphs(const Imported& of) {
    execute::Model model;
    model.batch = of.front.batch;
    model.one_size = of.sizes.one_size;
    model.size_step = of.sizes.step;
    model.off_step = of.sizes.off_step;
    for (const graph::ValueId id : of.front.graph.inputs)
        model.inputs.push_back(compiler::port_of(of.front, of.sizes, of.further, id));
    for (const graph::ValueId id : of.front.graph.outputs)
        model.outputs.push_back(compiler::port_of(of.front, of.sizes, of.further, id));
    return model;
}

/// What quantization says of the layers.
struct Layers {
    std::vector<quantize::LayerError> errors;
    nlohmann::json report = nlohmann::json::array();
};

/// Quantizes and plans subgraph `k`, those before it are in `model`.
void add_npu_subgraph(execute::Model& model, Layers& layers, const Imported& of, size_t k, ThreadPool& pool,
                      compiler::Dump& dump) {
    quantize::Options options{{of.options.without.begin(), of.options.without.end()}, {}};
    if (of.synthetic)  // noise teaches nothing
        for (const auto& [name, what] : quantize::ingredients()) options.without.insert(name);
    options.progress = [&](double done, size_t finished) {
        if (of.options.progress) of.options.progress(compiler::quantizing(of.front.plan, k, done, finished));
    };
    const quantize::Calibration calibration =
        compiler::calibration_of(of.front_options, of.front, model, k, of.samples, of.count);
    auto quantized = quantize::quantize(of.front.plan.subgraphs[k].network, calibration, options, pool);
    dump(fmt::format("quantize_NPU_{}", k), npu::to_text(quantized.network));
    const Deadline deadline = deadline_of(of.options, "planning its memory");
    npu::Program program = plan::plan(quantized.network, of.front.config, {}, deadline);
    dump(fmt::format("plan_NPU_{}", k), npu::to_text(program, quantized.network));
    compiler::set_boundaries(model, quantized.network, quantized.whole_numbers);
    layers.errors.insert(layers.errors.end(), quantized.errors.begin(), quantized.errors.end());
    for (auto& layer : compiler::layer_report(quantized.network, program, quantized.errors, k))
        layers.report.push_back(std::move(layer));
    std::vector<npu::Program> more;
    for (const compiler::FurtherSize& size : of.further)
        more.push_back(plan::plan(quantized.network, of.front.config, size.npu_inputs[k], deadline));
    model.subgraphs.emplace_back(
        execute::NpuSubgraph{std::move(quantized.network), std::move(program), std::move(more)});
}

Layers add_subgraphs(execute::Model& model, const Imported& of, ThreadPool& pool, compiler::Dump& dump) {
    Layers layers;
    for (size_t k = 0; k < of.front.plan.subgraphs.size(); ++k) {
        const partition::Subgraph& part = of.front.plan.subgraphs[k];
        if (part.device == partition::Device::cpu) {
            const graph::Graph graph = of.sizes.free ? observe::without_sizes(part.graph) : part.graph;
            model.subgraphs.emplace_back(execute::CpuSubgraph{onnx::write(graph), part.inputs, part.outputs});
        } else {
            add_npu_subgraph(model, layers, of, k, pool, dump);
        }
    }
    return layers;
}

std::string report_of(const Imported& of, const execute::Model& model, nlohmann::json layers,
                      const std::vector<std::string>& warnings) {
    auto report = nlohmann::json::parse(
        report::explain_json(of.front.plan, programs_of(model), of.front.config, of.options.model.filename()));
    report["layers"] = std::move(layers);
    report["images"] = of.synthetic ? 0 : of.count;
    report["synthetic"] = of.synthetic;  // errors and golden vectors are those of a random sample
    report["warnings"] = warnings;
    report["options"] = compiler::canonical(of.options);
    return report.dump();
}

/// A snapshot that its own reader refuses would be a fault of ours, found only on the device.
void check_readable(const execute::Model& model) {
    try {
        snapshot::check_model(model);
    } catch (const Error& error) {
        CALOTYPE_ASSERT(false, fmt::format("what is written can be read back; {}", error.what()));
    }
}

}  // namespace

CompileResult compile(const CompileOptions& options, const Samples& given) {
    const auto synthetic =
        given.count() < 1 ? compiler::synthetic_sample(options.model, options.shapes, options.limits) : nullptr;
    const Samples& samples = synthetic ? *synthetic : given;
    compiler::check_options(options, samples);
    const auto progress = [&](const CompileProgress& now) {
        if (options.progress) options.progress(now);
    };
    compiler::Dump dump(options.dump);
    std::vector<std::string> warnings;
    const auto warn = [&](std::string_view text) {
        warnings.emplace_back(text);
        if (options.message) options.message(text);
    };

    for (const std::string& note : samples.notes())
        if (options.message) options.message(note);
    const int64_t count = synthetic ? 1 : compiler::sample_count(options, samples, warn);

    progress({"import", 0});
    const ort::Access access{options.ort_library, options.limits};
    const compiler::FrontOptions front_options{options.model, options.npu, options.disabled_rewrites, access};
    const compiler::Survey survey = compiler::survey(samples, count);
    compiler::check_sizes(survey, front_options, samples);
    const auto first_sample = samples.at(0);
    ThreadPool pool(runtime::thread_count(options.threads));
    compiler::Front front =
        compiler::make_front(front_options, first_sample, dump,
                             synthetic ? compiler::host_nodes_without_scale(options.npu)
                                       : compiler::host_nodes_seen(options.npu, samples, count, pool));
    for (const std::string& text : compiler::mixed_batch_warnings(front, samples, count)) warn(text);
    const compiler::Sizes sizes = compiler::find_sizes(front_options, front, first_sample);
    const auto further = compiler::further_sizes(front_options, front, sizes, first_sample, options.shapes);
    progress({"import", 1});

    const Imported imported{options, front_options, front, sizes, further, samples, count, synthetic != nullptr};
    snapshot::Contents contents;
    execute::Model& model = contents.model;
    model = without_subgraphs(imported);
    Layers layers = add_subgraphs(model, imported, pool, dump);
    compiler::mention_own_numbers(layers.errors, warn);
    if (!synthetic) {  // of random samples they would say nothing
        compiler::mention_poor_layers(layers.errors, warn);
        for (const std::string& text : survey.warnings) warn(text);  // an error would have made them noise
    }
    progress({"snapshot", 0});
    check_readable(model);
    contents.tool_version = CALOTYPE_VERSION;
    contents.npu = {front.config.name, front.config.fingerprint};
    contents.model_sha256 = sha256(onnx::write(front.file_graph));
    contents.samples_sha256 = samples.sha256();
    contents.options_sha256 = sha256(compiler::canonical(options).dump());
    contents.preprocessing = samples.preprocessing();
    if (options.golden) contents.golden = runtime::make_golden(model, first_sample, pool, access);
    const graph::Graph view = view_of(front, model, deadline_of(options, "showing it"));
    dump("view", graph::to_text(view));
    contents.iriz_onnx = onnx::write(view);
    contents.report_json = report_of(imported, model, std::move(layers.report), warnings);
    snapshot::write(options.output, contents);
    progress({"snapshot", 1});
    return {options.output, contents.report_json};
}

CompileResult compile(const CompileOptions& options) {
    class None : public Samples {
        int64_t count() const override { return 0; }
        std::map<std::string, Tensor> at(int64_t) const override { return {}; }
        std::string sha256() const override { return {}; }
    };
    return compile(options, None());
}

}  // namespace calotype
