// Conv(Pad(x, p, 0), pads q)                     => Conv(x, pads p + q)
// AveragePool(Pad(x, p, 0), pads q)              => AveragePool(x, pads p + q, count_include_pad = 1)
// MaxPool(Pad(x, p, v), pads q)                  => MaxPool(x, pads p + q)   where no x is below v
// Exact. A padded zero wins against negative numbers, while a max pool's own padding never does; v = -1e30 or minus
// infinity stands for exactly that.

#include <algorithm>
#include <array>

#include "optimize/clip_words.hpp"
#include "optimize/rewrite.hpp"

namespace calotype::optimize {
namespace {

/// Proven from the operators that made it; false where that shows nothing.
bool never_negative(const Graph& graph, ValueId value, int depth = 0) {
    if (const auto constant = floats(graph, value))
        return std::ranges::all_of(*constant, [](float x) { return x >= 0; });
    const NodeId id = graph.producer(value);
    if (id == NodeId::none || depth > 32) return false;
    if (const auto bounds = bounds_of(graph, id)) return bounds->lo >= 0;
    const auto among = [&](const auto& ops) {
        return std::ranges::any_of(ops, [&](const char* op) { return is_op(graph, id, op); });
    };
    constexpr std::array kNever{"Sigmoid", "HardSigmoid", "Softmax", "Softplus", "Abs", "Exp"};
    constexpr std::array kAsFirst{"MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool",
                                  "Reshape", "Flatten",     "Transpose",         "Slice"};
    constexpr std::array kAsAll{"Concat", "Add", "Mul"};
    if (among(kNever)) return true;
    if (among(kAsFirst)) return never_negative(graph, graph.input(id, 0), depth + 1);
    if (!among(kAsAll)) return false;
    return std::ranges::all_of(graph.node(id).inputs,
                               [&](ValueId input) { return never_negative(graph, input, depth + 1); });
}

/// The lowest number of half precision. What pads with less, or with it, pads with a number that no map holds.
constexpr float kSentinel = -65504;

bool never_below(const Graph& graph, ValueId x, float fill) {
    return fill <= kSentinel || (fill <= 0 && never_negative(graph, x));
}

/// The pads before and after an axis, all of them.
std::optional<std::vector<int64_t>> pads_of(const Graph& graph, NodeId pad, size_t rank) {
    if (has_input(graph, pad, 3)) return {};  // computed, or pad_all_axes had taken them
    const auto pads = integers_of(graph, pad, 1, "pads");
    return pads && pads->size() == 2 * rank ? pads : std::nullopt;
}

/// Why the pool cannot take these pads; empty where it can.
std::string hindrance_of_pool(const Graph& graph, NodeId id, ValueId x, float fill, const std::vector<int64_t>& own,
                              const std::vector<int64_t>& sum) {
    const Node& node = graph.node(id);
    const auto kernel = graph::ints_attribute(node, "kernel_shape");
    for (size_t i = 0; i < sum.size(); ++i)
        if (sum[i] >= kernel[i % kernel.size()]) return "a window would lie in the padding alone";
    if (graph::int_attribute(node, "ceil_mode", 0) != 0) return "in ceil mode windows may begin in the padding";
    if (node.op == "MaxPool") {
        if (node.outputs.size() > 1) return "the pool returns indices into the padded map";
        return never_below(graph, x, fill) ? "" : "the map may hold less than the Pad fills with";
    }
    const bool unpadded = std::ranges::all_of(own, [](int64_t pad) { return pad == 0; });
    return unpadded || graph::int_attribute(node, "count_include_pad", 0) != 0
               ? ""
               : "the average leaves out its own padding";
}

}  // namespace

Rewrite fold_pad(Graph& graph, NodeId id) {
    const bool conv = is_op(graph, id, "Conv"), average = is_op(graph, id, "AveragePool");
    if (!conv && !average && !is_op(graph, id, "MaxPool")) return Rewrite::no_match();
    const NodeId pad = producer_of_op(graph, id, "Pad");
    if (pad == NodeId::none) return Rewrite::no_match();
    const ValueId x = graph.input(pad, 0);
    const auto dims = known_dims(graph, x);
    if (!dims || dims->size() < 3) return Rewrite::declined("the dims are known only at run time");
    const size_t rank = dims->size(), spatial = rank - 2;
    const auto fill = constant_fill(graph, pad);
    const auto pads = pads_of(graph, pad, rank);
    const bool max = !conv && !average;
    if (!fill || !pads || (*fill != 0 && !max)) return Rewrite::declined("the Pad is not of constant zeros");
    if ((*pads)[0] != 0 || (*pads)[1] != 0 || (*pads)[rank] != 0 || (*pads)[rank + 1] != 0)
        return Rewrite::declined("the Pad adds channels or samples");
    if (std::ranges::any_of(*pads, [](int64_t count) { return count < 0; })) return Rewrite::declined("the Pad crops");
    Node& node = graph.node(id);
    if (graph::string_attribute(node, "auto_pad", "NOTSET") != "NOTSET")
        return Rewrite::declined("its pads are automatic");
    const auto own = graph::ints_attribute(node, "pads", std::vector<int64_t>(2 * spatial, 0));
    if (own.size() != 2 * spatial) return Rewrite::declined("its pads do not fit the input's rank");
    std::vector<int64_t> sum = own;
    for (size_t i = 0; i < spatial; ++i) {
        sum[i] += (*pads)[i + 2];
        sum[i + spatial] += (*pads)[i + 2 + rank];
    }
    if (!conv)
        if (std::string hindrance = hindrance_of_pool(graph, id, x, *fill, own, sum); !hindrance.empty())
            return Rewrite::declined(std::move(hindrance));

    if (read_once(graph, graph.input(id, 0))) absorb(graph, id, pad);
    node.attributes["pads"] = sum;
    if (average) node.attributes["count_include_pad"] = int64_t{1};
    graph.set_input(id, 0, x);
    return Rewrite::done();
}

}  // namespace calotype::optimize
