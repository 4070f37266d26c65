#include "compiler/front.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "base/error.hpp"
#include "compiler/computed_sizes.hpp"
#include "npu/text.hpp"
#include "observe/observe.hpp"
#include "onnx/read.hpp"
#include "optimize/optimize.hpp"

namespace calotype::compiler {
namespace {

int64_t batch_of(const graph::Graph& graph) {
    if (graph.inputs.empty()) return 1;
    const auto& dims = graph.value(graph.inputs[0]).dims;
    return dims && !dims->empty() ? std::max<int64_t>(dims->front(), 1) : 1;  // an empty array has no batch
}

std::string subgraphs_text(const partition::Plan& plan) {
    std::string text;
    for (size_t k = 0; k < plan.subgraphs.size(); ++k) {
        const partition::Subgraph& part = plan.subgraphs[k];
        const bool npu = part.device == partition::Device::npu;
        text += fmt::format("{}_{}, {} MACs\n", npu ? "NPU" : "CPU", k, part.macs);
        text += npu ? npu::to_text(part.network) : graph::to_text(part.graph);
    }
    return text;
}

/// Where ONNX Runtime has no kernel of a node's operator: the types of its constants and of the model's inputs it reads.
std::string types_read(const graph::Graph& graph, const std::string& refusal) {
    for (const graph::NodeId id : graph.nodes()) {
        const graph::Node& node = graph.node(id);
        if (refusal.find("an implementation for") == std::string::npos ||
            !refusal.ends_with(fmt::format("node with name '{}'", node.name)))
            continue;
        std::set<std::string> types;
        for (const graph::ValueId input : node.inputs)
            if (input != graph::ValueId::none && graph.value(input).type)
                types.insert(std::string(name_of(*graph.value(input).type)));
        return types.empty() ? "" : fmt::format(" on {}", fmt::join(types, ", "));
    }
    return {};
}

/// ONNX Runtime sees the model here for the first time: what it refuses is the file's fault.
void concretize(Front& front, const std::filesystem::path& model, const std::map<std::string, Tensor>& sample) {
    try {
        observe::concretize(front.graph, front.library, sample);
    } catch (const Error& error) {
        ErrorText text = error.text();
        text.fact += types_read(front.graph, text.fact);
        if (text.subject == "ONNX Runtime") text.subject = fmt::format("`{}`: ONNX Runtime", model.string());
        throw Error(std::move(text));
    }
}

bool is_zip_map(const graph::Graph& graph, graph::ValueId id) {
    const graph::NodeId producer = graph.producer(id);
    return producer != graph::NodeId::none && graph.node(producer).op == "ZipMap";
}

/// Maps may lie inside; a snapshot hands out arrays, and sequences and optionals of those.
void check_outputs(const graph::Graph& graph) {
    for (const graph::ValueId id : graph.outputs) {
        const graph::Value& value = graph.value(id);
        if (value.type || value.other) continue;
        throw Error({"OUTPUT_TYPE", fmt::format("output `{}`", value.name),
                     "it is a map, or holds maps: arrays, sequences and optionals of arrays are handed out",
                     is_zip_map(graph, id) ? "export the model without its ZipMap, which gives the probabilities as "
                                             "one array: skl2onnx takes options={\"zipmap\": False}"
                                           : "take the output off the model, or convert it inside"});
    }
}

/// What a sequence holds travels under names of its own (calotype/kind.hpp), which must be nobody else's.
void check_names_of_elements(const graph::Graph& graph) {
    for (const graph::ValueId id : graph.values()) {
        const std::string& name = graph.value(id).name;
        const auto sequence = graph.find_value(sequence_name(name));
        if (!sequence || !graph.value(*sequence).other) continue;
        throw Error({"ONNX_INVALID", fmt::format("value `{}`", name),
                     fmt::format("its name is that of an element of the sequence `{}`", graph.value(*sequence).name),
                     "name one of them otherwise"});
    }
}

}  // namespace

Front make_front(const FrontOptions& options, const std::map<std::string, Tensor>& sample, Dump& dump,
                 const FindHostNodes& host_nodes) {
    Front front{npu::find_config(options.npu),
                ort::Library::load(options.access.library, options.access.limits),
                onnx::read(options.model, options.access.limits),
                {},
                {},
                1};
    front.graph = front.file_graph;
    dump("import", graph::to_text(front.graph));
    concretize(front, options.model, sample);
    check_outputs(front.graph);
    check_names_of_elements(front.graph);
    dump("concretize", graph::to_text(front.graph));

    const std::string file = fmt::format("`{}`", options.model.string());
    optimize::Options rewrites;
    rewrites.deadline = Deadline(options.access.limits, file, "rewriting it");
    rewrites.disabled = options.disabled_rewrites;
    rewrites.evaluate = observe::make_evaluator(front.library);
    rewrites.dump = [&](std::string_view rewrite, const graph::Graph& after) { dump(rewrite, graph::to_text(after)); };
    optimize::run(front.graph, rewrites);

    const bool ask = host_nodes && !front.config.none();
    front.plan = partition::partition(front.graph, front.config,
                                      ask ? host_nodes(front.graph, front.library) : partition::HostNodes{},
                                      Deadline(options.access.limits, file, "splitting it"));
    compute_sizes_in_parts(front);
    dump("partition", subgraphs_text(front.plan));
    front.batch = batch_of(front.graph);
    return front;
}

}  // namespace calotype::compiler
