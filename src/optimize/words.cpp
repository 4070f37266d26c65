#include "optimize/words.hpp"

#include <algorithm>
#include <bit>
#include <set>
#include <utility>

#include "base/narrow.hpp"

namespace calotype::optimize {

bool is_op(const Graph& graph, NodeId id, std::string_view op) {
    return id != NodeId::none && graph.node(id).op == op && graph.node(id).domain.empty();
}

NodeId producer_of_op(const Graph& graph, NodeId id, std::string_view op, size_t input) {
    if (!has_input(graph, id, input)) return NodeId::none;
    const NodeId producer = graph.producer(graph.input(id, input));
    return is_op(graph, producer, op) ? producer : NodeId::none;
}

bool is_float32(const Graph& graph, ValueId id) {
    return id != ValueId::none && graph.value(id).type == DataType::float32;
}

bool read_once(const Graph& graph, ValueId id) { return !graph.is_output(id) && graph.uses(id, 2) == 1; }

std::optional<Dims> known_dims(const Graph& graph, ValueId id) {
    if (id == ValueId::none) return {};
    auto dims = graph::concrete_dims(graph, id);
    if (!dims || std::ranges::any_of(*dims, [](int64_t dim) { return dim < 1; })) return {};
    return dims;
}

bool repeats_pixels(const Dims& dims, const Dims& whole) {
    if (dims.size() != whole.size() || dims.size() < 3 || dims.size() > 4) return false;
    if (dims[0] != whole[0] || dims[1] != whole[1]) return false;
    for (size_t i = 2; i < dims.size(); ++i)
        if (dims[i] != whole[i] && dims[i] != 1) return false;
    return true;
}

std::optional<std::vector<float>> floats(const Graph& graph, ValueId id) {
    if (!graph.is_constant(id) || graph.value(id).constant->type() != DataType::float32) return {};
    return to_floats(*graph.value(id).constant);
}

std::optional<std::vector<int64_t>> integers(const Graph& graph, ValueId id) {
    if (!graph.is_constant(id)) return {};
    const Tensor& constant = *graph.value(id).constant;
    if (constant.type() != DataType::int64 && constant.type() != DataType::int32) return {};
    return to_int64s(constant);
}

std::optional<float> scalar(const Graph& graph, ValueId id) {
    const auto all = floats(graph, id);
    if (!all || all->size() != 1) return {};
    return all->front();
}

bool has_input(const Graph& graph, NodeId id, size_t index) {
    return index < graph.node(id).inputs.size() && graph.node(id).inputs[index] != ValueId::none;
}

std::optional<std::vector<int64_t>> integers_of(const Graph& graph, NodeId id, size_t index, std::string_view name) {
    if (has_input(graph, id, index)) return integers(graph, graph.input(id, index));
    const Node& node = graph.node(id);
    if (!node.attributes.contains(std::string(name))) return {};
    return graph::ints_attribute(node, name);
}

std::optional<float> constant_fill(const Graph& graph, NodeId pad) {
    if (graph::string_attribute(graph.node(pad), "mode", "constant") != "constant") return {};
    return has_input(graph, pad, 2) ? scalar(graph, graph.input(pad, 2)) : 0.0f;
}

std::optional<std::vector<double>> per_channel(const Graph& graph, ValueId constant, const Dims& dims) {
    if (dims.size() < 2) return {};
    const auto contents = floats(graph, constant);
    if (!contents) return {};
    const Dims& own = graph.value(constant).constant->dims();
    const auto channels = static_cast<size_t>(dims[1]);
    if (own.size() > dims.size()) return {};
    for (size_t axis = 0; axis < own.size(); ++axis) {
        const size_t of_value = axis + dims.size() - own.size();
        if (own[axis] == 1) continue;
        if (of_value != 1 || own[axis] != dims[1]) return {};
    }
    if (contents->size() == 1) return std::vector<double>(channels, contents->front());
    if (contents->size() != channels) return {};
    return std::vector<double>(contents->begin(), contents->end());
}

ValueId add_floats(Graph& graph, std::string_view base, Dims dims, const std::vector<double>& contents) {
    std::vector<float> rounded(contents.size());
    std::ranges::transform(contents, rounded.begin(), [](double x) { return static_cast<float>(x); });
    return graph.add_constant(graph.unused_value_name(base),
                              Tensor::of<float>(std::move(dims), std::span<const float>(rounded)));
}

ValueId add_integers(Graph& graph, std::string_view base, const std::vector<int64_t>& contents) {
    return graph.add_constant(graph.unused_value_name(base), Tensor::of<int64_t>({narrow<int64_t>(contents.size())},
                                                                                 std::span<const int64_t>(contents)));
}

void set_inputs(Graph& graph, NodeId id, const std::vector<ValueId>& inputs) {
    for (size_t i = inputs.size(); i < graph.node(id).inputs.size(); ++i) graph.set_input(id, i, ValueId::none);
    graph.node(id).inputs.resize(inputs.size(), ValueId::none);
    for (size_t i = 0; i < inputs.size(); ++i) graph.set_input(id, i, inputs[i]);
}

void become(Graph& graph, NodeId id, NewOp op) {
    set_inputs(graph, id, op.inputs);
    Node& node = graph.node(id);
    node.op = std::move(op.op);
    node.domain.clear();
    node.attributes = std::move(op.attributes);
}

NewOp repeated(Graph& graph, NodeId of, ValueId x, const std::vector<double>& factors) {
    const ValueId scales = add_floats(graph, graph.node(of).name + "/factors", {std::ssize(factors)}, factors);
    return {"Resize",
            {x, ValueId::none, scales},
            {{"mode", std::string("nearest")},
             {"coordinate_transformation_mode", std::string("asymmetric")},
             {"nearest_mode", std::string("floor")}}};
}

ValueId insert(Graph& graph, NodeId before, NewOp op, std::optional<DataType> type, Dims dims) {
    const std::string base = graph.node(before).name + "/" + op.op;
    const ValueId output = graph.add_value(graph.unused_value_name(base), type, std::move(dims));
    Node node;
    node.name = graph.unused_node_name(base);
    node.op = std::move(op.op);
    node.inputs = std::move(op.inputs);
    node.outputs = {output};
    node.attributes = std::move(op.attributes);
    node.sources = graph.node(before).sources;
    graph.insert_node(std::move(node), before);
    return output;
}

namespace {

/// Whether nothing but `reader` sees what `id` makes: it is about to go.
bool serves_only(const Graph& graph, NodeId id, NodeId reader) {
    return std::ranges::all_of(graph.node(id).outputs, [&](ValueId output) {
        if (output == ValueId::none) return true;
        const int64_t uses = graph.uses(output, 2);
        return uses == 0 || (uses == 1 && graph.readers(output) == std::vector{reader});
    });
}

/// A long chain may end in one node: each step then hands the list on, and looks for doubles when it has doubled.
constexpr size_t kFew = 64;

std::vector<std::string> joined(std::vector<std::string> first, const std::vector<std::string>& second) {
    const size_t longer = std::max(first.size(), second.size());
    if (first.size() + second.size() <= kFew) {
        for (const std::string& source : second)
            if (std::ranges::find(first, source) == first.end()) first.push_back(source);
        return first;
    }
    first.insert(first.end(), second.begin(), second.end());
    if (std::bit_width(first.size()) > std::bit_width(longer)) return each_once(std::move(first));
    return first;
}

}  // namespace

std::vector<std::string> each_once(std::vector<std::string> sources) {
    std::set<std::string_view> seen;
    std::vector<std::string> once;
    for (const std::string& source : sources)
        if (seen.insert(source).second) once.push_back(source);
    return once;
}

void absorb(Graph& graph, NodeId into, NodeId from) {
    std::vector<std::string>& first = graph.node(from).sources;
    std::vector<std::string>& own = graph.node(into).sources;
    own = joined(serves_only(graph, from, into) ? std::exchange(first, {}) : first, own);
}

void absorb_behind(Graph& graph, NodeId into, NodeId from) {
    std::vector<std::string>& own = graph.node(into).sources;
    own = joined(std::exchange(own, {}), graph.node(from).sources);
}

}  // namespace calotype::optimize
