// f(Transpose(x, p), by axes) => Transpose(f(x, by axes'), p')
// f a ReduceMean, -Max, -Min or -Sum, Slice, Pad, Resize or Gather of a list. Exact: the same elements meet. Axis i of the
// Transpose is axis p[i] of x; p' leaves out what a reduction drops. Towards the Transpose that undoes it, as
// sink_transpose.

#include <algorithm>
#include <array>

#include "optimize/reduce_words.hpp"
#include "optimize/rewrite.hpp"
#include "optimize/transpose_words.hpp"

namespace calotype::optimize {
namespace {

using Perm = std::vector<int64_t>;

int64_t at(const Perm& perm, int64_t axis) { return perm[static_cast<size_t>(axis)]; }

/// result[perm[i]] = values[i], for each run of `perm.size()` values.
template <class T>
std::vector<T> put(const std::vector<T>& values, const Perm& perm) {
    std::vector<T> result(values.size());
    for (size_t i = 0; i < values.size(); ++i)
        result[i / perm.size() * perm.size() + static_cast<size_t>(perm[i % perm.size()])] = values[i];
    return result;
}

/// The axes' list of a Slice, filled up where the file leaves it out; nothing where it is computed.
std::optional<std::vector<int64_t>> axes_of_slice(const Graph& graph, NodeId id, size_t count) {
    if (has_input(graph, id, 3)) return integers(graph, graph.input(id, 3));
    std::vector<int64_t> axes;
    for (size_t axis = 0; axis < count; ++axis) axes.push_back(static_cast<int64_t>(axis));
    return axes;
}

/// What f becomes in front of the Transpose; nothing where its axes are computed or it has a form of its own.
std::optional<NewOp> moved(Graph& graph, NodeId id, const Perm& perm) {
    const Node& node = graph.node(id);
    NewOp f{node.op, node.inputs, node.attributes};
    const auto set = [&](size_t input, const std::vector<int64_t>& values) {
        f.inputs.resize(std::max(f.inputs.size(), input + 1), ValueId::none);
        f.inputs[input] = add_integers(graph, node.name + "/axes", values);
    };
    const auto turned = [&](std::vector<int64_t> axes) {
        for (int64_t& axis : axes) axis = at(perm, own_axis(axis, perm.size()));
        return axes;
    };
    if (node.op == "Gather") {
        const ValueId list = graph.input(id, 1);
        if (!integers(graph, list) || graph.value(list).constant->dims().size() != 1) return {};
        f.attributes["axis"] = turned({graph::int_attribute(node, "axis", 0)}).front();
        return f;
    }
    if (node.op == "Pad") {
        const auto pads = has_input(graph, id, 3) ? std::nullopt : integers(graph, graph.input(id, 1));
        if (!pads || pads->size() != 2 * perm.size()) return {};
        set(1, put(*pads, perm));
        return f;
    }
    if (node.op == "Slice") {
        const auto starts = integers(graph, graph.input(id, 1));
        if (!starts) return {};
        const auto axes = axes_of_slice(graph, id, starts->size());
        if (!axes) return {};
        set(3, turned(*axes));
        return f;
    }
    if (node.op == "Resize") {
        if (node.attributes.contains("axes") || has_input(graph, id, 1)) return {};
        if (has_input(graph, id, 3)) {
            const auto sizes = integers(graph, graph.input(id, 3));
            if (!sizes || sizes->size() != perm.size()) return {};
            set(3, put(*sizes, perm));
            return f;
        }
        const auto scales = floats(graph, graph.input(id, 2));
        if (!scales || scales->size() != perm.size()) return {};
        const auto put_back = put(std::vector<double>(scales->begin(), scales->end()), perm);
        f.inputs[2] = add_floats(graph, node.name + "/scales", {std::ssize(put_back)}, put_back);
        return f;
    }
    const auto axes = reduced_axes(graph, id);
    if (!axes) return {};
    f.attributes.erase("axes");
    set(1, turned({axes->begin(), axes->end()}));
    return f;
}

/// p without the axes that a reduction drops.
Perm remaining(const Graph& graph, NodeId id, const Perm& perm) {
    const auto axes = reduced_axes(graph, id);
    Perm kept;
    for (int64_t axis = 0; axis < std::ssize(perm); ++axis)
        if (!axes->contains(axis)) kept.push_back(at(perm, axis));
    Perm order = kept;
    std::ranges::sort(order);
    for (int64_t& axis : kept) axis = std::ranges::lower_bound(order, axis) - order.begin();
    return kept;
}

/// What f makes in front of the Transpose.
Dims in_front(const Dims& dims, const Perm& perm) {
    Dims made(dims.size());
    for (size_t axis = 0; axis < perm.size(); ++axis) made[static_cast<size_t>(perm[axis])] = dims[axis];
    return made;
}

/// ONNX Runtime interpolates along all axes but the first two. `dims` is what f makes behind the Transpose of x.
bool interpolates_the_first_two(const Graph& graph, NodeId id, ValueId x, const Dims& dims, const Perm& perm) {
    if (!is_op(graph, id, "Resize") || graph::string_attribute(graph.node(id), "mode", "nearest") == "nearest")
        return false;
    const auto from = known_dims(graph, x);
    const Dims made = in_front(dims, perm);
    return !from || from->size() < 3 || (*from)[0] != made[0] || (*from)[1] != made[1];
}

}  // namespace

Rewrite sink_transpose_past_axes(Graph& graph, NodeId id) {
    constexpr std::array kReductions{"ReduceMean", "ReduceMax", "ReduceMin", "ReduceSum"};
    const bool reduces = std::ranges::any_of(kReductions, [&](const char* op) { return is_op(graph, id, op); });
    constexpr std::array kMoves{"Slice", "Pad", "Resize", "Gather"};
    if (!reduces && std::ranges::none_of(kMoves, [&](const char* op) { return is_op(graph, id, op); }))
        return Rewrite::no_match();
    const NodeId transpose = producer_of_op(graph, id, "Transpose");
    if (transpose == NodeId::none) return Rewrite::no_match();
    if (is_op(graph, id, "Pad") && is_made_of_input(graph, graph.input(transpose, 0)))
        return Rewrite::declined("the Transpose is an input's layout, and the Pad may join a convolution");
    if (!reduces && !read_once(graph, graph.input(id, 0)))  // what a reduction makes is small
        return Rewrite::declined("another reader needs the transposed map");
    Perm perm = perm_of(graph, transpose);
    const auto dims = known_dims(graph, graph.output(id));
    if (perm.empty() || !dims) return Rewrite::declined("the dims are known only at run time");
    if (interpolates_the_first_two(graph, id, graph.input(transpose, 0), *dims, perm))
        return Rewrite::declined("it would interpolate along the first two axes");
    auto f = moved(graph, id, perm);
    if (!f) return Rewrite::declined("its axes are computed at run time, a Resize reads a region, or a Gather a table");
    if (reduces && !keeps_dims(graph, id)) perm = remaining(graph, id, perm);
    f->inputs[0] = graph.input(transpose, 0);
    const ValueId y = insert(graph, id, std::move(*f), graph.value(graph.output(id)).type, in_front(*dims, perm));
    become(graph, id, {"Transpose", {y}, {{"perm", perm}}});
    return Rewrite::done();
}

}  // namespace calotype::optimize
