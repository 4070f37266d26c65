#include "partition/keep_fine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

namespace calotype::partition {
namespace {

using graph::Graph;
using graph::NodeId;
using graph::ValueId;

constexpr const char* kRule = "NPU_FEW_CODES";

/// Nodes from which nothing but moves, sums and products with constants lead to the graph's outputs.
std::set<NodeId> tail_of(const Graph& graph) {
    std::set<NodeId> tail;
    for (auto id = graph.nodes().rbegin(); id != graph.nodes().rend(); ++id) {
        const auto leaves = [&](ValueId value) {
            const auto readers = value == ValueId::none ? std::vector<NodeId>{} : graph.readers(value);
            return std::ranges::all_of(readers, [&](NodeId reader) { return tail.contains(reader); });
        };
        if ((only_moves(graph, *id) || is_linear(graph, *id)) && std::ranges::all_of(graph.node(*id).outputs, leaves))
            tail.insert(*id);
    }
    return tail;
}

/// What a code of the operand is worth in the result, on the average.
double gain(const Graph& graph, NodeId id, ValueId constant) {
    if (graph.node(id).op != "Mul") return 1;
    const auto elements = to_floats(*graph.value(constant).constant);
    double squares = 0;
    for (const double x : elements) squares += x * x;
    return std::sqrt(squares / static_cast<double>(std::max<size_t>(1, elements.size())));
}

struct Coarser {
    double times = 0;
    std::string told;
};

/// How much coarser the codes of a sum's or product's result are than those of what it computes with.
std::optional<Coarser> coarser(const Graph& graph, NodeId id, const std::map<std::string, Extent>& extents) {
    const graph::Node& node = graph.node(id);
    if (node.op == "Concat" || node.inputs.size() != 2 || !reads_constant_map(graph, id)) return std::nullopt;
    const size_t k = graph.is_constant(node.inputs[1]) ? 1 : 0;
    const auto x = extents.find(graph.value(node.inputs[1 - k]).name);
    const auto y = extents.find(graph.value(graph.output(id)).name);
    if (x == extents.end() || y == extents.end()) return std::nullopt;
    const double fine = x->second.width() * gain(graph, id, node.inputs[k]);
    if (!(fine > 0)) return std::nullopt;
    const double times = y->second.width() / fine;
    return Coarser{times, fmt::format("{:.4g} to {:.4g} of {:.4g} to {:.4g} in `{}`: codes {:.1f} times as coarse",
                                      y->second.lo, y->second.hi, x->second.lo, x->second.hi, x->first, times)};
}

}  // namespace

HostNodes keep_fine(const Graph& graph, const std::map<std::string, Extent>& extents) {
    HostNodes host;
    const std::set<NodeId> tail = tail_of(graph);
    std::map<NodeId, NodeId> cause;  // of a node of the tail that is the host's, the first such before it
    for (const NodeId id : graph.nodes()) {
        const bool at_the_end = tail.contains(id);
        if (const auto found = coarser(graph, id, extents);
            found && found->times > (at_the_end ? kMostTimesCoarserAtTheEnd : kMostTimesCoarser)) {
            host.emplace(id, HostReason{kRule, found->told});
            if (at_the_end) cause.emplace(id, id);
        }
        for (const ValueId input : graph.node(id).inputs) {
            const NodeId before = input == ValueId::none ? NodeId::none : graph.producer(input);
            const auto found = cause.find(before);
            if (found == cause.end() || !at_the_end) continue;
            host.emplace(
                id, HostReason{kRule, fmt::format("that of `{}`, which is before it", graph.node(found->second).name)});
            cause.emplace(id, found->second);
        }
    }
    return host;
}

}  // namespace calotype::partition
