// Values of 4 bits mean the same in 8 to a DequantizeLinear. A QuantizeLinear would no longer saturate at them, and what
// unpacks them itself would find them unpacked: such constants stay as they are.
#include <algorithm>
#include <iterator>

#include "onnx/read_parts.hpp"

namespace calotype::onnx {
namespace {

using graph::Graph;
using graph::NodeId;
using graph::ValueId;

constexpr size_t kX = 0, kZeroPoint = 2;  // inputs of a DequantizeLinear, of one type

bool is_of_four_bits(const Graph& graph, ValueId id) {
    if (!graph.is_constant(id)) return false;
    const DataType type = graph.value(id).constant->type();
    return type == DataType::int4 || type == DataType::uint4;
}

bool reads_as_numbers(const Graph& graph, NodeId id) {
    const graph::Node& node = graph.node(id);
    return node.op == "DequantizeLinear" && node.domain.empty();
}

std::set<ValueId> candidates(const Graph& graph) {
    std::set<ValueId> found;
    for (const ValueId id : graph.values()) {
        const auto readers = graph.readers(id);
        if (is_of_four_bits(graph, id) && !graph.is_output(id) &&
            std::ranges::all_of(readers, [&](NodeId reader) { return reads_as_numbers(graph, reader); }))
            found.insert(id);
    }
    for (const NodeId id : graph.nodes())
        for (const std::string& name : captured_names(graph.node(id)))
            if (const auto outer = graph.find_value(name)) found.erase(*outer);
    return found;
}

/// Of what one node reads, all become wider or nothing.
void keep_types_equal(const Graph& graph, std::set<ValueId>& wider) {
    std::vector<NodeId> to_look_at = graph.nodes();
    while (!to_look_at.empty()) {
        const NodeId id = to_look_at.back();
        to_look_at.pop_back();
        const ValueId x = graph.input(id, kX), zero_point = graph.input(id, kZeroPoint);
        if (!reads_as_numbers(graph, id) || zero_point == ValueId::none) continue;
        if (wider.contains(x) == wider.contains(zero_point)) continue;
        const ValueId stays = wider.contains(x) ? x : zero_point;
        wider.erase(stays);
        std::ranges::copy(graph.readers(stays), std::back_inserter(to_look_at));
    }
}

Tensor widened(const Tensor& narrow) {
    const bool is_signed = narrow.type() == DataType::int4;
    Tensor wide(is_signed ? DataType::int8 : DataType::uint8, narrow.dims());
    const std::vector<int64_t> values = to_int64s(narrow);
    std::ranges::transform(values, wide.bytes().begin(), [](int64_t value) { return static_cast<std::byte>(value); });
    return wide;
}

}  // namespace

void widen_four_bits(Graph& graph) {
    std::set<ValueId> wider = candidates(graph);
    keep_types_equal(graph, wider);
    for (const ValueId id : wider) {
        graph::Value& value = graph.value(id);
        value.constant = widened(*value.constant);
        value.type = value.constant->type();
    }
}

}  // namespace calotype::onnx
