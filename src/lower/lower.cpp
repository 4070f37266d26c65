#include "lower/lower.hpp"

#include <algorithm>
#include <set>

#include "graph/macs.hpp"
#include "lower/as_large_as.hpp"
#include "lower/families.hpp"

namespace calotype::lower {
namespace {

const std::map<std::string, Family, std::less<>> kFamilies = {
    {"Conv", lower_conv},
    {"Gemm", lower_gemm},
    {"MatMul", lower_matmul},
    {"MaxPool", lower_pool},
    {"AveragePool", lower_pool},
    {"GlobalAveragePool", lower_global_pool},
    {"GlobalMaxPool", lower_global_pool},
    {"ReduceMean", lower_reduce},
    {"ReduceMax", lower_reduce},
    {"ReduceSum", lower_reduce},
    {"Add", lower_add},
    {"Sub", lower_add},
    {"Sum", lower_add},
    {"Div", lower_add},
    {"Mul", lower_mul},
    {"Neg", lower_neg},
    {"BatchNormalization", lower_batch_norm},
    {"Concat", lower_concat},
    {"Pad", lower_pad},
    {"Slice", lower_slice},
    {"Gather", lower_gather},
    {"Split", lower_split},
    {"Resize", lower_resize},
    {"Upsample", lower_resize},
    {"SpaceToDepth", lower_space_to_depth},
    {"Reshape", lower_view},
    {"Flatten", lower_view},
    {"Squeeze", lower_view},
    {"Unsqueeze", lower_view},
    {"Identity", lower_view},
    {"Transpose", lower_transpose},
    {"QuantizeLinear", lower_quantize},
    {"DequantizeLinear", lower_dequantize},
};

/// The limit that an operator without a family breaks.
const std::map<std::string, std::string_view, std::less<>> kRefused = {
    {"ConvTranspose", "NPU_CONV_TRANSPOSE"},
    {"DepthToSpace", "NPU_DEPTH_TO_SPACE"},
    {"RoiAlign", "NPU_CROP_AND_RESIZE"},
    {"MaxRoiPool", "NPU_CROP_AND_RESIZE"},
    {"Pow", "NPU_SQUARE"},
    {"Sqrt", "NPU_RSQRT"},
    {"Reciprocal", "NPU_RSQRT"},
    {"LpNormalization", "NPU_L2_NORM"},
    {"ReduceL2", "NPU_L2_NORM"},
    {"Softmax", "NPU_SOFTMAX"},
    {"LogSoftmax", "NPU_SOFTMAX"},
    {"LayerNormalization", "NPU_LAYER_NORM"},
    {"InstanceNormalization", "NPU_LAYER_NORM"},
    {"GroupNormalization", "NPU_LAYER_NORM"},
    {"DeformConv", "NPU_DEFORMABLE_CONV"},
    {"PRelu", "NPU_PRELU_MAPS"},
};

/// Activations of several nodes: the last node's match, and the nodes before it, which have no layer of their own.
struct Patterns {
    std::map<NodeId, ActivationMatch> matches;
    std::set<NodeId> absorbed;
};
Patterns find_patterns(const Graph& graph, const std::vector<NodeId>& nodes) {
    const std::set<NodeId> inside(nodes.begin(), nodes.end());
    Patterns patterns;
    for (const NodeId id : nodes) {
        auto match = match_activation(graph, id);
        if (!match) continue;
        const auto is_inside = [&](NodeId node) { return inside.contains(node) && !patterns.absorbed.contains(node); };
        if (!std::all_of(match->nodes.begin(), match->nodes.end(), is_inside)) continue;
        for (const NodeId node : match->nodes)
            if (node != id) {
                patterns.absorbed.insert(node);
                patterns.matches.erase(node);
            }
        patterns.matches.emplace(id, std::move(*match));
    }
    return patterns;
}

void lower_node(Builder& builder, NodeId id, const Patterns& patterns) {
    const Node& node = builder.graph.node(id);
    if (const auto match = patterns.matches.find(id); match != patterns.matches.end())
        return lower_activation(builder, id, match->second);
    const std::string what = node.domain.empty() ? node.op : node.domain + "." + node.op;
    if (!node.domain.empty()) builder.decline("NPU_OPERATOR", what);
    if (const auto family = kFamilies.find(node.op); family != kFamilies.end()) return family->second(builder, id);
    const auto refused = kRefused.find(node.op);
    builder.decline(refused == kRefused.end() ? "NPU_OPERATOR" : refused->second, what);
}

/// The node whose output cannot be handed out, if there is one.
std::optional<std::pair<NodeId, npu::BrokenLimit>> add_outputs(Builder& builder, const std::set<NodeId>& lowered) {
    const Graph& graph = builder.graph;
    for (const NodeId id : lowered)
        for (const ValueId output : graph.node(id).outputs) {
            if (output == ValueId::none) continue;
            const auto readers = graph.readers(output);
            int64_t inner_reads = 0;
            for (const NodeId reader : readers)
                if (lowered.contains(reader))
                    inner_reads +=
                        std::count(graph.node(reader).inputs.begin(), graph.node(reader).inputs.end(), output);
            if (graph.uses(output) == inner_reads) continue;
            try {
                builder.network.outputs.push_back(builder.placement(output));
            } catch (const Declined& no) {
                return std::pair{id, no.limit};
            }
        }
    return std::nullopt;
}

/// One pass; the first node whose refusal leaves traces ends it with that node in `declined`.
bool lower_once(const Graph& graph, const std::vector<NodeId>& nodes, int64_t batch, const npu::Config& config,
                const Deadline& deadline, Lowering& result) {
    Builder builder(graph, config, batch);
    const Patterns patterns = find_patterns(graph, nodes);
    std::set<NodeId> lowered;
    std::map<NodeId, npu::BrokenLimit> declined;
    const auto refuse = [&](NodeId id, const npu::BrokenLimit& limit) { result.declined.emplace(id, limit); };
    for (const NodeId id : nodes) {
        deadline.check();
        if (patterns.absorbed.contains(id)) {
            lowered.insert(id);
            continue;
        }
        const int64_t before = builder.changes;
        try {
            lower_node(builder, id, patterns);
            lowered.insert(id);
        } catch (const Declined& no) {
            const bool other = no.culprit != NodeId::none && no.culprit != id && lowered.contains(no.culprit) &&
                               !patterns.matches.contains(no.culprit) && !patterns.absorbed.contains(no.culprit);
            const std::string& op = other ? graph.node(no.culprit).op : graph.node(id).op;
            const bool culprit_is_layout = other && (op == "Transpose" || op == "Reshape" || op == "Flatten" ||
                                                     op == "Squeeze" || op == "Unsqueeze");
            refuse(culprit_is_layout ? no.culprit : id, no.limit);
            // A pattern's inner nodes were passed over as part of it.
            if (builder.changes != before || culprit_is_layout || patterns.matches.contains(id)) return false;
        }
    }
    if (const auto no = add_outputs(builder, lowered)) {
        refuse(no->first, no->second);
        return false;
    }
    result.network = std::move(builder.network);
    for (const NodeId id : nodes)
        if (lowered.contains(id)) result.lowered.push_back(id);
    return true;
}

}  // namespace

Lowering lower(const Graph& graph, std::span<const NodeId> nodes, int64_t batch, const npu::Config& config,
               const Deadline& deadline) {
    Lowering result;
    std::vector<NodeId> left(nodes.begin(), nodes.end());
    // Each round that fails leaves out at least one node more, so this ends.
    while (!lower_once(graph, left, batch, config, deadline, result))
        std::erase_if(left, [&](NodeId id) { return result.declined.contains(id); });
    spread_as_large_as_met(result.network);
    return result;
}

Lowering lower(const Graph& graph, const npu::Config& config, const Deadline& deadline) {
    return lower(graph, graph.nodes(), graph::batch_of(graph).value_or(1), config, deadline);
}

}  // namespace calotype::lower
