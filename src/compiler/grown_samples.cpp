#include "compiler/grown_samples.hpp"

#include <algorithm>

namespace calotype::compiler {
namespace {

/// Zeros of the shapes that size(dim, how many of its size stand before it) makes of the free ones.
template <class Size>
Sample with_sizes(const graph::Graph& file, const Sample& sample, Apart apart, const Size& size) {
    Sample made = sample;
    std::map<int64_t, int64_t> alike;  // dims by size
    for (const graph::ValueId id : file.inputs) {
        const graph::Value& input = file.value(id);
        if (input.other) continue;
        const Tensor& given = sample.at(input.name);
        Dims dims = given.dims();
        if (apart == Apart::of_an_input) alike.clear();
        for (size_t axis = 1; axis < dims.size(); ++axis) {
            if (input.dims && (*input.dims)[axis] >= 0) continue;
            const int64_t before = apart == Apart::none ? 0 : alike[dims[axis]]++;
            dims[axis] = std::max<int64_t>(0, size(dims[axis], before));
        }
        if (dims != given.dims()) made.insert_or_assign(input.name, Tensor(given.type(), dims));
    }
    return made;
}

/// The most pixels that an axis loses.
int64_t lost_pixels(const Sample& from, const Sample& to) {
    int64_t most = 0;
    for (const auto& [name, tensor] : from)
        for (size_t axis = 0; axis < tensor.dims().size(); ++axis)
            most = std::max(most, tensor.dims()[axis] - to.at(name).dims()[axis]);
    return most;
}

}  // namespace

std::optional<Sample> grown(const graph::Graph& file, const Sample& sample, int64_t pixels, Apart apart) {
    Sample other =
        with_sizes(file, sample, apart, [&](int64_t size, int64_t alike) { return size + pixels * (1 + 2 * alike); });
    const bool empties = std::ranges::any_of(other, [&](const auto& one) {
        return one.second.elements() == 0 && sample.at(one.first).elements() > 0;
    });
    return empties ? std::nullopt : std::optional(std::move(other));
}

Sample grown_far(const graph::Graph& file, const Sample& sample, int64_t step_pixels, Halved halved, Apart apart) {
    constexpr int64_t kFar = 64;  // more than halve a size six times divide by more than their maps have
    return with_sizes(file, sample, apart, [&](int64_t size, int64_t alike) {
        const int64_t remainder = (halved == Halved::down ? kFar - step_pixels : step_pixels) + size % step_pixels;
        const int64_t least = size + kFar * (1 + alike);
        return (least - remainder + kFar - 1) / kFar * kFar + remainder;
    });
}

std::vector<Apart> ways_to_grow(const graph::Graph& file, const Sample& sample) {
    const auto dims = [&](Apart apart) {
        std::vector<Dims> found;
        const Sample larger = grown(file, sample, 1, apart).value();
        for (const auto& [name, tensor] : larger) found.push_back(tensor.dims());
        return found;
    };
    std::vector<Apart> ways{Apart::all};
    for (const Apart apart : {Apart::of_an_input, Apart::none})
        if (dims(apart) != dims(ways.back())) ways.push_back(apart);
    return ways;
}

bool windows_fit(const graph::Graph& graph, const Sample& sample, const Sample& smaller) {
    const int64_t lost = lost_pixels(sample, smaller);
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
            const int64_t padded = (*x)[i + 2] - lost + pads[i] + pads[i + kernel.size()];
            if (padded < (kernel[i] - 1) * dilations[i] + 1) return false;
        }
        return true;
    });
}

}  // namespace calotype::compiler
