// auto_pad = SAME_UPPER, SAME_LOWER, VALID => pads   of Conv, AveragePool, MaxPool
// Exact: for the dims at hand, total = (ceil(size / stride) - 1) * stride + (kernel - 1) * dilation + 1 - size; the odd
// pixel behind (UPPER) or in front (LOWER). A total below 0, of a stride that leaves pixels out, is 0 for a Conv; for an
// AveragePool it stays so in ONNX Runtime, and the first -total / 2 pixels are cut off by a Slice in front.

#include <algorithm>
#include <limits>
#include <utility>

#include "optimize/rewrite.hpp"
#include "optimize/words.hpp"

namespace calotype::optimize {
namespace {

/// Negative pads in front become bounds of a Slice. Behind, what is left over is in no window anyway.
void crop_in_front(Graph& graph, NodeId id, Dims dims, std::vector<int64_t>& pads) {
    std::vector<int64_t> starts, ends, axes;
    for (size_t i = 0; i < pads.size() / 2; ++i) {
        const int64_t before = std::exchange(pads[i], std::max<int64_t>(0, pads[i]));
        pads[i + pads.size() / 2] = std::max<int64_t>(0, pads[i + pads.size() / 2]);
        if (before >= 0) continue;
        starts.push_back(-before);
        ends.push_back(std::numeric_limits<int64_t>::max());
        axes.push_back(static_cast<int64_t>(i + 2));
        dims[i + 2] += before;
    }
    if (axes.empty()) return;
    const std::string base = graph.node(id).name;
    const ValueId x = graph.input(id, 0), first = add_integers(graph, base + "/starts", starts),
                  end = add_integers(graph, base + "/ends", ends), along = add_integers(graph, base + "/axes", axes);
    graph.set_input(id, 0, insert(graph, id, {"Slice", {x, first, end, along}}, graph.value(x).type, std::move(dims)));
}

}  // namespace

Rewrite explicit_pads(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Conv") && !is_op(graph, id, "AveragePool") && !is_op(graph, id, "MaxPool"))
        return Rewrite::no_match();
    const Node node = graph.node(id);
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
    const bool crops = is_op(graph, id, "AveragePool");
    std::vector<int64_t> pads(2 * spatial, 0);
    for (size_t i = 0; i < spatial && mode != "VALID"; ++i) {
        const int64_t size = (*dims)[i + 2], steps = (size + strides[i] - 1) / strides[i];
        int64_t total = (steps - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1 - size;
        if (!crops) total = std::max<int64_t>(0, total);
        pads[i] = (mode == "SAME_LOWER" ? total + 1 : total) / 2;
        pads[i + spatial] = total - pads[i];
    }
    crop_in_front(graph, id, *dims, pads);
    auto& attributes = graph.node(id).attributes;
    attributes.erase("auto_pad");
    if (mode != "VALID") attributes.erase("ceil_mode");  // the sizes divide: nothing is left over to round up
    attributes["pads"] = pads;
    return Rewrite::done();
}

}  // namespace calotype::optimize
