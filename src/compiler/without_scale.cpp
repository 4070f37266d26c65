#include <fmt/format.h>

#include <algorithm>

#include "compiler/host_nodes.hpp"
#include "quantize/scale_classes.hpp"

namespace calotype::compiler {
namespace {

/// The layers that write the tensor, or, of an input, read it.
std::vector<std::string> layers_at(const npu::FloatNetwork& network, npu::TensorId tensor) {
    std::vector<std::string> writers, readers;
    for (const npu::FloatLayer& layer : network.layers) {
        if (layer.output == tensor) writers.push_back(layer.name);
        if (std::ranges::find(layer.inputs, tensor) != layer.inputs.end()) readers.push_back(layer.name);
    }
    return writers.empty() ? readers : writers;
}

/// Nodes of the part whose layers touch a tensor without a scale, and the tensor's value.
std::map<graph::NodeId, std::string> nodes_without_scale(const graph::Graph& graph, const partition::Subgraph& part) {
    const npu::FloatNetwork& network = part.network;
    const quantize::ScaleClasses classes = quantize::classes_that_agree(network);
    std::map<graph::NodeId, std::string> found;
    for (size_t t = 0; t < network.tensors.size(); ++t) {
        const auto tensor = static_cast<npu::TensorId>(t);
        if (classes.all_stated(tensor) || !network.tensors[t].constant.empty()) continue;
        const std::vector<std::string> names = layers_at(network, tensor);
        bool any = false;
        for (const graph::NodeId id : part.nodes) {
            if (std::ranges::find(names, graph.node(id).name) == names.end()) continue;
            found.emplace(id, network.tensors[t].value);
            any = true;
        }
        if (any) continue;  // else a layer of no node of its own: whoever is in the part goes with it
        for (const graph::NodeId id : part.nodes) found.emplace(id, network.tensors[t].value);
    }
    return found;
}

}  // namespace

FindHostNodes host_nodes_without_scale(const std::string& npu) {
    return [npu](const graph::Graph& graph, const ort::Library&) {
        const npu::Config config = npu::find_config(npu);
        partition::HostNodes host;
        for (size_t known = SIZE_MAX; known != host.size();) {  // a node less, and its neighbour may lack a scale
            known = host.size();
            const partition::Plan plan = partition::partition(graph, config, host);
            for (const partition::Subgraph& part : plan.subgraphs) {
                if (part.device == partition::Device::cpu) continue;
                for (const auto& [id, value] : nodes_without_scale(graph, part))
                    host.emplace(id, partition::HostReason{"NPU_NO_SCALE", fmt::format("`{}` has none", value)});
            }
        }
        return host;
    };
}

}  // namespace calotype::compiler
