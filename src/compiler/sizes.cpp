#include "compiler/sizes.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/host_nodes.hpp"
#include "execute/resize.hpp"
#include "onnx/write.hpp"
#include "plan/plan.hpp"

namespace calotype::compiler {
namespace {

// Odd changes first, which show what depends on a remainder; then what networks of many strides can take.
constexpr int64_t kGrowth[] = {3, -3, 32, -32, 64};

using Sample = std::map<std::string, Tensor>;

/// Zeros of the sample's shapes, every free dim but the batch grown.
Sample grown(const Front& front, const Sample& sample, int64_t growth) {
    Sample grown;
    for (const graph::ValueId id : front.file_graph.inputs) {
        const graph::Value& input = front.file_graph.value(id);
        const Tensor& given = sample.at(input.name);
        Dims dims = given.dims();
        for (size_t axis = 1; axis < dims.size(); ++axis)
            if (!input.dims || (*input.dims)[axis] < 0) dims[axis] = std::max<int64_t>(1, dims[axis] + growth);
        grown.emplace(input.name, Tensor(given.type(), dims));
    }
    return grown;
}

/// As `front`, made at the sample's size.
std::optional<Front> front_at(const FrontOptions& options, const Front& front, const Sample& sample) {
    try {
        Dump no_dump;
        return make_front(options, sample, no_dump, host_nodes_of(front.plan));
    } catch (const Error&) {  // the model itself does not take this size
        return {};
    }
}

size_t at(npu::TensorId id) { return static_cast<size_t>(id); }

std::string layer_difference(const npu::FloatNetwork& a, const npu::FloatNetwork& b) {
    if (a.layers.size() != b.layers.size()) return "its layers are others at another size";
    for (size_t i = 0; i < a.layers.size(); ++i) {
        const npu::FloatLayer &one = a.layers[i], &other = b.layers[i];
        if (one.attributes == other.attributes && one.inputs == other.inputs && one.output == other.output &&
            one.activation == other.activation && one.weights == other.weights && one.bias == other.bias)
            continue;
        return fmt::format("layer `{}` holds a constant that came from the shape", one.name);
    }
    return {};
}

bool same(const std::optional<execute::End>& end, const npu::Placement& placement, const Dims& shape) {
    return end && end->placement == placement && end->shape == shape;
}

/// What planning the first network at the second's size gets wrong.
std::string plan_difference(const npu::FloatNetwork& a, const npu::FloatNetwork& b, const npu::Config& config) {
    std::vector<Dims> inputs;
    for (const npu::Placement& input : b.inputs) inputs.push_back(b.tensors[at(input.tensor)].shape);
    npu::Program program;
    try {
        program = plan::plan(a, config, inputs);
    } catch (const Error& error) {
        return fmt::format("{}: {}", error.text().subject, error.text().fact);
    }
    for (size_t i = 0; i < b.tensors.size(); ++i)
        if (program.shapes[i] != b.tensors[i].shape)
            return fmt::format("the shape of `{}` does not follow from the input's", a.tensors[i].value);
    for (size_t i = 0; i < a.inputs.size(); ++i) {
        const execute::End end{a.inputs[i], a.tensors[at(a.inputs[i].tensor)].shape};
        if (!same(resized_to_dims(end, b.inputs[i].dims), b.inputs[i], b.tensors[at(b.inputs[i].tensor)].shape))
            return fmt::format("the order of the axes of `{}` holds the size", a.inputs[i].value);
    }
    for (size_t i = 0; i < a.outputs.size(); ++i) {
        const execute::End end{a.outputs[i], a.tensors[at(a.outputs[i].tensor)].shape};
        const Dims& shape = b.tensors[at(b.outputs[i].tensor)].shape;
        if (!same(resized_to_shape(end, shape), b.outputs[i], shape))
            return fmt::format("the order of the axes of `{}` holds the size", a.outputs[i].value);
    }
    return {};
}

bool same_split(const Front& a, const Front& b) {
    return std::ranges::equal(a.plan.subgraphs, b.plan.subgraphs, {}, &partition::Subgraph::device,
                              &partition::Subgraph::device);
}

/// Of two fronts of one split.
std::string difference(const Front& a, const Front& b) {
    const auto &one = a.plan.subgraphs, &other = b.plan.subgraphs;
    for (size_t k = 0; k < one.size(); ++k) {
        if (one[k].device == partition::Device::cpu) {
            if (onnx::write(without_sizes(one[k].graph)) != onnx::write(without_sizes(other[k].graph)))
                return fmt::format("CPU_{} holds a constant that came from the shape", k);
            continue;
        }
        std::string what = layer_difference(one[k].network, other[k].network);
        if (what.empty()) what = plan_difference(one[k].network, other[k].network, a.config);
        if (!what.empty()) return what;
    }
    return {};
}

bool leaves_sizes_free(const Front& front) {
    return std::ranges::any_of(front.file_graph.inputs, [&](graph::ValueId id) {
        const auto& dims = front.file_graph.value(id).dims;
        return dims && dims->size() > 1 && std::any_of(dims->begin() + 1, dims->end(), [](int64_t d) { return d < 0; });
    });
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

}  // namespace

Sizes find_sizes(const FrontOptions& options, const Front& front, const Sample& sample) {
    Sizes sizes;
    if (!leaves_sizes_free(front)) return sizes;
    sizes.one_size = "the model was not found to take another size";
    for (const graph::ValueId id : front.file_graph.inputs) {
        const graph::Value& input = front.file_graph.value(id);
        if (input.dims) sizes.ports.emplace(input.name, *input.dims);
    }
    for (const int64_t growth : kGrowth) {
        const auto other = front_at(options, front, grown(front, sample, growth));
        if (!other) continue;
        // A limit of the NPU may lie between the two sizes.
        sizes.one_size = "the split between NPU and CPU is another at another size";
        if (!same_split(front, *other)) continue;
        sizes.one_size = difference(front, *other);
        sizes.free = sizes.one_size.empty();
        if (sizes.free) sizes.ports = ports_of(front, *other);
        break;
    }
    return sizes;
}

graph::Graph without_sizes(graph::Graph graph) {
    for (const graph::ValueId id : graph.values()) {
        graph::Value& value = graph.value(id);
        if (value.constant || !value.dims) continue;
        std::ranges::fill(*value.dims, -1);
        value.symbols.clear();
    }
    return graph;
}

}  // namespace calotype::compiler
