#include "partition/keep_finite.hpp"

#include <fmt/format.h>

namespace calotype::partition {

using graph::Graph;
using graph::NodeId;
using graph::ValueId;

std::vector<std::string> values_of_the_npu(const Graph& graph) {
    std::vector<std::string> names;
    for (const ValueId id : graph.values())
        if (graph.value(id).type == DataType::float32 && !graph.is_constant(id)) names.push_back(graph.value(id).name);
    return names;
}

HostNodes keep_finite(const Graph& graph, const std::map<std::string, int64_t>& elements) {
    HostNodes host;
    for (const NodeId id : graph.nodes()) {
        const graph::Node& node = graph.node(id);
        for (const auto* values : {&node.inputs, &node.outputs})
            for (const ValueId value : *values) {
                const auto found = value == ValueId::none ? elements.end() : elements.find(graph.value(value).name);
                if (found == elements.end() || found->second == 0) continue;
                host.try_emplace(id, HostReason{"NPU_NOT_FINITE", fmt::format("{} infinite or NaN in `{}`",
                                                                              found->second, found->first)});
            }
    }
    return host;
}

}  // namespace calotype::partition
