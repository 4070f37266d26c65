#include "graph/macs.hpp"
#include "partition/partition.hpp"

namespace calotype::partition {
namespace {

using graph::Graph;
using graph::NodeId;
using graph::ValueId;

int64_t elements(const Graph& graph, ValueId value) {
    if (value == ValueId::none) return 0;
    const auto dims = graph::concrete_dims(graph, value);
    return dims ? element_count(*dims) : 0;
}

int64_t bytes(const Graph& graph, ValueId value) {
    if (value == ValueId::none) return 0;
    return elements(graph, value) * bytes_of(graph.value(value).type.value_or(DataType::float32));
}

}  // namespace

double host_us(const Graph& graph, NodeId id, const npu::Config& config) {
    int64_t moved = 0;
    for (const ValueId input : graph.node(id).inputs) moved += bytes(graph, input);
    for (const ValueId output : graph.node(id).outputs) moved += bytes(graph, output);
    return 1e6 * (static_cast<double>(graph::macs_of(graph, id)) / static_cast<double>(config.host_macs_per_second) +
                  static_cast<double>(moved) / static_cast<double>(config.host_bytes_per_second));
}

}  // namespace calotype::partition
