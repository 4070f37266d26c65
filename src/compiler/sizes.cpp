#include "compiler/sizes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "compiler/host_nodes.hpp"
#include "compiler/resized_maps.hpp"
#include "compiler/size_difference.hpp"

namespace calotype::compiler {
namespace {

// Odd changes first, which show what depends on a remainder; then the smallest that networks of many strides can take.
constexpr int64_t kGrowth[] = {3, -3, 2, 4, 8, 16, 32, -32, 64};

using Sample = std::map<std::string, Tensor>;

/// Zeros of the sample's shapes, every free dim but the batch grown; `apart`, as often as dims of its size stand before
/// it once more. What has none stays as it is: it may be a size. Nothing where a dim would end below 1: that one would
/// say nothing of other sizes.
std::optional<Sample> grown(const Front& front, const Sample& sample, int64_t growth, bool apart = false) {
    Sample grown;
    for (const graph::ValueId id : front.file_graph.inputs) {
        const graph::Value& input = front.file_graph.value(id);
        const Tensor& given = sample.at(input.name);
        Dims dims = given.dims();
        for (size_t axis = 1; axis < dims.size(); ++axis) {
            if (input.dims && (*input.dims)[axis] >= 0) continue;
            const auto same = std::count(given.dims().begin() + 1, given.dims().begin() + static_cast<int64_t>(axis),
                                         given.dims()[axis]);
            dims[axis] += apart ? growth * (1 + same) : growth;
            if (dims[axis] < 1) return std::nullopt;
        }
        grown.emplace(input.name, dims == given.dims() ? given : Tensor(given.type(), dims));
    }
    return grown;
}

/// Whether every window lies in its map, were each as many pixels smaller as the inputs. Where one does not, ONNX Runtime
/// infers negative sizes, and what it does with those may end the process.
bool windows_fit(const graph::Graph& graph, int64_t growth) {
    return std::ranges::all_of(graph.nodes(), [&](graph::NodeId id) {
        const graph::Node& node = graph.node(id);
        if (node.op != "Conv" && !node.op.ends_with("Pool")) return true;
        const auto x = graph::concrete_dims(graph, node.inputs[0]);
        const auto weights = node.op == "Conv" ? graph::concrete_dims(graph, node.inputs[1]) : std::nullopt;
        auto kernel = graph::ints_attribute(node, "kernel_shape");
        if (kernel.empty() && weights && weights->size() > 2) kernel.assign(weights->begin() + 2, weights->end());
        if (!x || x->size() != kernel.size() + 2) return kernel.empty();  // a global pool has none
        const auto pads = graph::ints_attribute(node, "pads", std::vector<int64_t>(2 * kernel.size(), 0));
        const auto dilations = graph::ints_attribute(node, "dilations", std::vector<int64_t>(kernel.size(), 1));
        for (size_t i = 0; i < kernel.size(); ++i) {
            const int64_t padded = (*x)[i + 2] + growth + pads[i] + pads[i + kernel.size()];
            if (padded < (kernel[i] - 1) * dilations[i] + 1) return false;
        }
        return true;
    });
}

/// The model brought to the split at another size. Dims of one size (a square) grow apart, which shows what was taken
/// for the other; together where the model asks for equal ones. Nothing where that says nothing; throws Error where the
/// model does not take it.
std::optional<Front> front_at(const FrontOptions& options, const Front& front, const Sample& sample, int64_t growth) {
    constexpr int64_t kMostAlike = 3;  // depth, height and width
    Dump no_dump;
    if (growth > 0 || windows_fit(front.graph, kMostAlike * growth)) {
        try {
            if (const auto apart = grown(front, sample, growth, true))
                return make_front(options, *apart, no_dump, host_nodes_of(front.plan));
        } catch (const Error&) {  // said of the equal ones
        }
    }
    const auto together = grown(front, sample, growth);
    if (!together || (growth < 0 && !windows_fit(front.graph, growth))) return std::nullopt;
    return make_front(options, *together, no_dump, host_nodes_of(front.plan));
}

/// Dims of the inputs and outputs, -1 where they differ.
std::map<std::string, Dims> ports_of(const Front& a, const Front& b) {
    std::map<std::string, Dims> ports;
    for (const auto list : {&graph::Graph::inputs, &graph::Graph::outputs}) {
        for (size_t i = 0; i < (a.graph.*list).size(); ++i) {
            const graph::Value& value = a.graph.value((a.graph.*list)[i]);
            Dims dims = value.dims.value_or(Dims{});
            const Dims other = b.graph.value((b.graph.*list)[i]).dims.value_or(Dims{});
            for (size_t axis = 0; axis < dims.size() && axis < other.size(); ++axis)
                if (dims[axis] != other[axis]) dims[axis] = -1;
            ports.emplace(value.name, std::move(dims));
        }
    }
    return ports;
}

/// A stride rounds: a size 3 less may give the very outputs. One much larger does not.
void free_where_larger_differs(const FrontOptions& options, const Front& front, const Sample& sample,
                               std::map<std::string, Dims>& ports) {
    try {
        Dump no_dump;
        const auto larger_sample = grown(front, sample, std::ranges::max(kGrowth));
        const Front larger = make_front(options, *larger_sample, no_dump, host_nodes_of(front.plan));
        for (const auto& [name, dims] : ports_of(front, larger)) {
            Dims& port = ports.at(name);
            for (size_t axis = 0; axis < port.size() && axis < dims.size(); ++axis)
                if (dims[axis] == -1) port[axis] = -1;
        }
    } catch (const Error&) {  // it need not be a size of the model
    }
}

}  // namespace

bool leaves_sizes_free(const graph::Graph& file_graph) {
    return std::ranges::any_of(file_graph.inputs, [&](graph::ValueId id) {
        const auto& dims = file_graph.value(id).dims;
        return dims && dims->size() > 1 && std::any_of(dims->begin() + 1, dims->end(), [](int64_t d) { return d < 0; });
    });
}

Sizes find_sizes(const FrontOptions& options, Front& front, const Sample& sample) {
    Sizes sizes;
    if (!leaves_sizes_free(front.file_graph)) return sizes;
    for (const graph::ValueId id : front.file_graph.inputs) {
        const graph::Value& input = front.file_graph.value(id);
        if (input.dims) sizes.ports.emplace(input.name, *input.dims);
    }
    std::string not_taken;  // by the model itself, or split otherwise
    std::set<int64_t> other_layers_at;
    for (const int64_t growth : kGrowth) {
        try {
            std::optional<Front> made = front_at(options, front, sample, growth);
            if (!made) continue;
            Front& other = *made;
            follow_resized_maps(front, other);
            count_crops_from_the_end(front, other);
            // A limit of the NPU may lie between the two sizes, or a bound that larger maps reach (x[:, :, :24] of 24
            // rows): then smaller ones are no proof.
            std::string otherwise = split_difference(front, other);
            if (otherwise.empty()) {
                otherwise = other_layers(front, other);
                if (!otherwise.empty()) other_layers_at.insert(growth);
            }
            if (!otherwise.empty() || other_layers_at.contains(-growth)) {
                if (not_taken.empty()) not_taken = otherwise;
                continue;
            }
            const int64_t step = std::abs(growth) == 3 ? 1 : std::abs(growth);  // smaller steps were not found to do
            sizes.one_size = size_difference(front, other);
            if (sizes.one_size.empty()) sizes.one_size = remainder_difference(front, other, step);
            sizes.free = sizes.one_size.empty();
            if (!sizes.free) return sizes;
            sizes.step = step;
            sizes.ports = ports_of(front, other);
            free_where_larger_differs(options, front, sample, sizes.ports);
            if (sizes.step != 1) sizes.off_step = not_taken;
            return sizes;
        } catch (const Error& error) {
            if (not_taken.empty())
                not_taken = fmt::format("the model itself does not take them: {}", error.text().fact);
        }
    }
    sizes.one_size = fmt::format("no other was found that it can have; {}", not_taken);
    return sizes;
}

}  // namespace calotype::compiler
