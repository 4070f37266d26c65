#include "observe/known_sizes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "base/error.hpp"
#include "base/limits.hpp"

namespace calotype::observe {
namespace {

using graph::Graph;
using graph::Node;
using graph::ValueId;

int64_t product(int64_t a, int64_t b) { return __builtin_mul_overflow(a, b, &a) ? INT64_MAX : a; }
int64_t sum(int64_t a, int64_t b) { return __builtin_add_overflow(a, b, &a) ? INT64_MAX : a; }

/// Of known dims; free ones count as 1: what is not known is not refused.
int64_t elements(const Dims& dims) {
    int64_t count = 1;
    for (const int64_t dim : dims) count = product(count, std::max<int64_t>(dim, dim < 0 ? 1 : 0));
    return count;
}

using Shapes = std::map<std::string, Dims>;

Shapes shapes_of(const Graph& graph, const std::vector<ort::Info>& outputs) {
    Shapes shapes;
    for (const ValueId id : graph.values())
        if (const graph::Value& value = graph.value(id); value.dims) shapes[value.name] = *value.dims;
    for (const ort::Info& output : outputs)
        if (output.tensor) shapes[output.name] = output.dims;
    return shapes;
}

/// A node's inputs and outputs.
struct Sizes {
    const Graph& graph;
    const Node& node;
    const Shapes& shapes;

    Dims of(const std::vector<ValueId>& ids, size_t index) const {
        if (index >= ids.size() || ids[index] == ValueId::none) return {};
        const auto found = shapes.find(graph.value(ids[index]).name);
        return found == shapes.end() ? Dims{} : found->second;
    }
    Dims input(size_t index) const { return of(node.inputs, index); }
    int64_t made() const {
        int64_t count = 0;
        for (size_t i = 0; i < node.outputs.size(); ++i)
            if (node.outputs[i] != ValueId::none) count = sum(count, elements(of(node.outputs, i)));
        return count;
    }
};

/// A pool's; what lies in the padding is not looked at.
int64_t window_of(const Node& node, const Dims& x) {
    const auto sizes = graph::ints_attribute(node, "kernel_shape");
    if (x.size() < sizes.size()) return 1;
    int64_t window = 1;
    for (size_t i = 0; i < sizes.size(); ++i) {
        const int64_t there = x[x.size() - sizes.size() + i];
        window = product(window, std::max<int64_t>(there < 0 ? sizes[i] : std::min(sizes[i], there), 1));
    }
    return window;
}

int64_t dim_of(const Dims& dims, int64_t from_end) {
    const auto rank = static_cast<int64_t>(dims.size());
    return from_end <= rank ? std::max<int64_t>(dims[static_cast<size_t>(rank - from_end)], 1) : 1;
}

/// Multiplications, or comparisons: how long it takes, to a factor.
int64_t macs_of(const Sizes& sizes) {
    const Node& node = sizes.node;
    const int64_t made = sizes.made();
    if (!node.domain.empty()) return made;
    const Dims x = sizes.input(0), w = sizes.input(1);
    if (node.op == "Conv" && !w.empty()) return product(made, elements(w) / std::max<int64_t>(w[0], 1));
    if (node.op == "ConvTranspose" && !w.empty()) return product(elements(x), elements(w) / std::max<int64_t>(w[0], 1));
    if (node.op == "MatMul" || node.op == "MatMulInteger") return product(made, dim_of(x, 1));
    if (node.op == "Gemm") return product(made, dim_of(x, graph::int_attribute(node, "transA", 0) != 0 ? 2 : 1));
    if (node.op == "RNN" || node.op == "GRU" || node.op == "LSTM")
        return product(product(dim_of(x, 3), dim_of(x, 2)), sum(elements(w), elements(sizes.input(2))));
    if (node.op == "LRN") return product(made, std::max<int64_t>(graph::int_attribute(node, "size", 1), 1));
    if (node.op == "RoiAlign") {
        const int64_t ratio = std::max<int64_t>(graph::int_attribute(node, "sampling_ratio", 0), 1);
        return product(made, product(ratio, ratio));
    }
    return product(made, window_of(node, x));
}

void check_tensor(const ort::Info& output, const Limits& limits) {
    const int64_t count = elements(output.dims);
    if (count <= limits.tensor_elems) return;
    throw Error({"LIMIT_ELEMENTS", fmt::format("tensor `{}`", output.name),
                 fmt::format("its shape {} has more than {} elements", to_string(output.dims), limits.tensor_elems),
                 how_to_raise(&Limits::tensor_elems)});
}

}  // namespace

void refuse_large_runs(const Graph& graph, const std::vector<ort::Info>& outputs, const Limits& limits) {
    const int64_t allowed_bytes = allowed_memory_bytes(limits);
    int64_t bytes = 0, most_bytes = -1;
    const ort::Info* largest = nullptr;
    for (const ort::Info& output : outputs) {
        if (!output.tensor) continue;
        check_tensor(output, limits);
        const int64_t own = product(elements(output.dims), bytes_of(output.type));
        bytes = sum(bytes, product(2, own));  // in ONNX Runtime, and copied out of it
        if (own > most_bytes) most_bytes = own, largest = &output;
    }
    if (bytes > allowed_bytes)
        throw Error({"LIMIT_MEMORY", fmt::format("tensor `{}`", largest->name),
                     fmt::format("it has {} bytes and a run takes {}, at most {} are allowed", most_bytes, bytes,
                                 allowed_bytes),
                     how_to_raise(&Limits::memory_bytes)});
    const Shapes shapes = shapes_of(graph, outputs);
    for (const graph::NodeId id : graph.nodes()) {
        const Node& node = graph.node(id);
        const int64_t macs = macs_of({graph, node, shapes});
        if (macs > limits.node_macs)
            throw Error({"LIMIT_MACS", fmt::format("node `{}` ({})", node.name, node.op),
                         fmt::format("it takes {} multiplications, at most {} are allowed", macs, limits.node_macs),
                         how_to_raise(&Limits::node_macs)});
    }
}

void refuse_large_constants(const Graph& graph, const std::set<ValueId>& fixed, const std::vector<ort::Info>& outputs,
                            const Limits& limits) {
    int64_t own_bytes = 0;
    for (const ValueId id : graph.values())
        if (graph.is_constant(id))
            own_bytes = sum(own_bytes, static_cast<int64_t>(graph.value(id).constant->bytes().size()));
    const auto kept = [&](ValueId id) {
        return std::ranges::any_of(graph.readers(id), [&](graph::NodeId reader) {
            const auto& made = graph.node(reader).outputs;
            return !std::ranges::all_of(made, [&](ValueId out) { return out == ValueId::none || fixed.contains(out); });
        });
    };
    int64_t bytes = 0, most_bytes = -1;
    const ort::Info* largest = nullptr;
    for (const ort::Info& output : outputs) {
        const auto id = graph.find_value(output.name);
        if (!output.tensor || !id || !fixed.contains(*id) || !kept(*id)) continue;
        const int64_t one = product(elements(output.dims), bytes_of(output.type));
        bytes = sum(bytes, one);
        if (one > most_bytes) most_bytes = one, largest = &output;
    }
    if (bytes <= sum(own_bytes, limits.folded_bytes)) return;
    throw Error(
        {"LIMIT_FOLDED", fmt::format("tensor `{}`", largest->name),
         fmt::format("it is a constant of {} bytes, all that are computed have {}, the file's own {} and {} more are "
                     "allowed",
                     most_bytes, bytes, own_bytes, limits.folded_bytes),
         how_to_raise(&Limits::folded_bytes)});
}

}  // namespace calotype::observe
