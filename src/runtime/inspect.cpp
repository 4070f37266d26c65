#include <algorithm>
#include <nlohmann/json.hpp>

#include "calotype/snapshot.hpp"
#include "runtime/ports.hpp"
#include "snapshot/json_object.hpp"
#include "snapshot/snapshot.hpp"

namespace calotype {
namespace {

using Json = nlohmann::ordered_json;

Json port_json(const PortInfo& port) {
    Json json{{"name", port.name},
              {"type", spelled(port.kind, name_of(port.type))},
              {"dims", port.dims},
              {"boundary", name_of(port.boundary)}};
    if (port.boundary != Boundary::plain) {
        json["scale"] = port.scale;
        json["zero_point"] = port.zero_point;
    }
    return json;
}

Json ports_json(const std::vector<execute::Port>& ports) {
    Json list = Json::array();
    const auto infos = runtime::port_infos(ports);
    for (size_t i = 0; i < ports.size(); ++i) {
        list.push_back(port_json(infos[i]));
        list.back()["made_for"] = {ports[i].made_for};
        for (const Dims& dims : ports[i].also_for) list.back()["made_for"].push_back(dims);
    }
    return list;
}

/// One number, or the least and largest of several.
template <class T>
Json range_json(const std::vector<T>& values) {
    if (values.size() == 1) return values[0];
    const auto [least, largest] = std::ranges::minmax_element(values);
    return Json{{"channels", values.size()}, {"least", *least}, {"largest", *largest}};
}

/// With the constant maps that the layer reads: each has one reader.
size_t weights_bytes_of(const npu::Network& network, const npu::Layer& layer) {
    size_t bytes = layer.weights.size() + 4 * layer.bias.size();
    for (const npu::TensorId input : layer.inputs) bytes += network.tensors[npu::index_of(input)].constant.size();
    return bytes;
}

Json layer_json(const execute::NpuSubgraph& subgraph, const npu::Step& step) {
    const npu::Layer& layer = subgraph.network.layers[static_cast<size_t>(step.layer)];
    const npu::CodeTensor& output = subgraph.network.tensors[static_cast<size_t>(layer.output)];
    Json inputs = Json::array();
    for (const npu::TensorId id : layer.inputs) inputs.push_back(subgraph.program.shapes[static_cast<size_t>(id)]);
    return {{"name", layer.name},
            {"kind", npu::kind_name(layer.attributes)},
            {"activation", npu::name_of(layer.activation.kind)},
            {"sources", layer.sources},
            {"precision", layer.precision == npu::Precision::int8 ? "INT8" : "BF16"},
            {"input_shapes", inputs},
            {"output_shape", subgraph.program.shapes[static_cast<size_t>(layer.output)]},
            {"scale", range_json(output.quantization.scale)},
            {"zero_point", range_json(output.quantization.zero_point)},
            {"weights_bytes", weights_bytes_of(subgraph.network, layer)},
            {"macs", step.macs},
            {"moved_bytes", step.moved_bytes},
            {"cycles", step.cycles},
            {"bound_by", step.bandwidth_bound ? "bandwidth" : "compute"}};
}

Json npu_json(const execute::NpuSubgraph& subgraph) {
    Json layers = Json::array();
    size_t weights_bytes = 0;
    for (const npu::Step& step : subgraph.program.steps) layers.push_back(layer_json(subgraph, step));
    for (const npu::Layer& layer : subgraph.network.layers) weights_bytes += weights_bytes_of(subgraph.network, layer);
    return {{"cycles", subgraph.program.cycles},
            {"macs", subgraph.program.macs},
            {"weights_bytes", weights_bytes},
            {"activation_bytes", subgraph.program.arena_bytes},
            {"activation_lower_bound_bytes", subgraph.program.lower_bound_bytes},
            {"layers", layers}};
}

Json subgraph_json(const execute::Subgraph& subgraph, size_t index) {
    Json json{{"name", execute::name_of(subgraph, index)},
              {"inputs", execute::inputs_of(subgraph)},
              {"outputs", execute::outputs_of(subgraph)}};
    if (const auto* npu = std::get_if<execute::NpuSubgraph>(&subgraph))
        json.update(npu_json(*npu));
    else
        json["onnx_bytes"] = std::get<execute::CpuSubgraph>(subgraph).onnx_bytes.size();
    return json;
}

}  // namespace

std::string inspect(const std::filesystem::path& path) {
    const snapshot::Contents contents = snapshot::read(path);
    Json json{{"tool_version", contents.tool_version},
              {"npu", {{"name", contents.npu.name}, {"fingerprint", contents.npu.fingerprint}}},
              {"model_sha256", contents.model_sha256},
              {"samples_sha256", contents.samples_sha256},
              {"options_sha256", contents.options_sha256},
              {"preprocessing", contents.preprocessing},
              {"batch", contents.model.batch}};
    if (!contents.model.one_size.empty()) json["one_size"] = contents.model.one_size;
    if (contents.model.size_step != 1)
        json["size_step"] = {{"step", contents.model.size_step}, {"cause", contents.model.off_step}};
    json["inputs"] = ports_json(contents.model.inputs);
    json["outputs"] = ports_json(contents.model.outputs);
    json["subgraphs"] = Json::array();
    for (size_t k = 0; k < contents.model.subgraphs.size(); ++k)
        json["subgraphs"].push_back(subgraph_json(contents.model.subgraphs[k], k));
    json["golden"] = contents.golden.has_value();
    json["report"] = snapshot::report_of(contents.report_json);
    return json.dump(2);
}

}  // namespace calotype
