// auto_pad = SAME_UPPER, SAME_LOWER, VALID => pads   of Conv, AveragePool, MaxPool
// Exact: for the dims at hand, total = (ceil(size / stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, at
// least 0; the odd pixel behind (UPPER) or in front (LOWER).

#include <algorithm>

#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {

Rewrite explicit_pads(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Conv") && !is_op(graph, id, "AveragePool") && !is_op(graph, id, "MaxPool"))
        return Rewrite::no_match();
    Node& node = graph.node(id);
    const std::string mode = graph::string_attribute(node, "auto_pad", "NOTSET");
    if (mode == "NOTSET") return Rewrite::no_match();
    const auto dims = known_dims(graph, graph.input(id, 0));
    if (!dims || dims->size() < 3) return Rewrite::declined("the dims are known only at run time");
    const size_t spatial = dims->size() - 2;
    std::vector<int64_t> kernel = graph::ints_attribute(node, "kernel_shape");
    if (kernel.empty()) {
        const auto weights = known_dims(graph, graph.input(id, 1));
        if (weights && weights->size() == dims->size()) kernel.assign(weights->begin() + 2, weights->end());
    }
    const auto strides = graph::ints_attribute(node, "strides", std::vector<int64_t>(spatial, 1));
    const auto dilations = graph::ints_attribute(node, "dilations", std::vector<int64_t>(spatial, 1));
    if (kernel.size() != spatial || strides.size() != spatial || dilations.size() != spatial)
        return Rewrite::declined("kernel, strides and dilations do not fit the input's rank");
    std::vector<int64_t> pads(2 * spatial, 0);
    for (size_t i = 0; i < spatial && mode != "VALID"; ++i) {
        const int64_t size = (*dims)[i + 2], steps = (size + strides[i] - 1) / strides[i];
        const int64_t total =
            std::max<int64_t>(0, (steps - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1 - size);
        const int64_t smaller = total / 2, larger = total - smaller;
        pads[i] = mode == "SAME_LOWER" ? larger : smaller;
        pads[i + spatial] = total - pads[i];
    }
    node.attributes.erase("auto_pad");
    if (mode != "VALID") node.attributes.erase("ceil_mode");  // the sizes divide: nothing is left over to round up
    node.attributes["pads"] = pads;
    return Rewrite::done();
}

}  // namespace calotype::optimize
