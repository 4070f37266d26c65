#include "compiler/size_difference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "base/error.hpp"
#include "compiler/shape_constants.hpp"
#include "execute/resize.hpp"
#include "observe/observe.hpp"
#include "onnx/write.hpp"
#include "plan/plan.hpp"

namespace calotype::compiler {
namespace {

std::string holds_constant(const std::string& what, const graph::Graph& file_graph,
                           const std::vector<std::string>& sources) {
    return fmt::format("{} holds a constant that came from the shape{}", what, tied_by(file_graph, sources));
}

bool same_constants(const npu::FloatNetwork& a, const npu::FloatLayer& one, const npu::FloatNetwork& b,
                    const npu::FloatLayer& other) {
    return std::ranges::equal(one.inputs, other.inputs, [&](npu::TensorId x, npu::TensorId y) {
        return a.tensors[index_of(x)].constant == b.tensors[index_of(y)].constant;
    });
}

std::string layer_difference(const npu::FloatNetwork& a, const npu::FloatNetwork& b, const graph::Graph& file_graph) {
    CALOTYPE_ASSERT(a.layers.size() == b.layers.size(), "split_difference found the same layers");
    for (size_t i = 0; i < a.layers.size(); ++i) {
        const npu::FloatLayer &one = a.layers[i], &other = b.layers[i];
        if (one.attributes == other.attributes && one.inputs == other.inputs && one.output == other.output &&
            one.activation == other.activation && one.weights == other.weights && one.bias == other.bias &&
            same_constants(a, one, b, other))
            continue;
        return holds_constant(fmt::format("layer `{}`", one.name), file_graph, one.sources);
    }
    return {};
}

bool same(const std::optional<execute::End>& end, const npu::Placement& placement, const Dims& shape) {
    return end && end->placement == placement && end->shape == shape;
}

std::vector<std::string> sources_of(const npu::FloatNetwork& network, size_t tensor) {
    for (const npu::FloatLayer& layer : network.layers)
        if (index_of(layer.output) == tensor) return layer.sources;
    return {};
}

/// What planning the first network at the second's size gets wrong.
std::string plan_difference(const npu::FloatNetwork& a, const npu::FloatNetwork& b, const npu::Config& config,
                            const graph::Graph& file_graph) {
    std::vector<Dims> inputs;
    for (const npu::Placement& input : b.inputs) inputs.push_back(b.tensors[index_of(input.tensor)].shape);
    npu::Program program;
    try {
        program = plan::plan(a, config, inputs);
    } catch (const Error& error) {
        return fmt::format("{}: {}", error.text().subject, error.text().fact);
    }
    for (size_t i = 0; i < b.tensors.size(); ++i)
        if (program.shapes[i] != b.tensors[i].shape)
            return fmt::format("the shape of `{}` does not follow from the input's{}", a.tensors[i].value,
                               tied_by(file_graph, sources_of(a, i)));
    for (size_t i = 0; i < a.inputs.size(); ++i) {
        const execute::End end{a.inputs[i], a.tensors[index_of(a.inputs[i].tensor)].shape};
        if (!same(resized_to_dims(end, b.inputs[i].dims), b.inputs[i], b.tensors[index_of(b.inputs[i].tensor)].shape))
            return fmt::format("the order of the axes of `{}` holds the size", a.inputs[i].value);
    }
    for (size_t i = 0; i < a.outputs.size(); ++i) {
        const execute::End end{a.outputs[i], a.tensors[index_of(a.outputs[i].tensor)].shape};
        const Dims& shape = b.tensors[index_of(b.outputs[i].tensor)].shape;
        if (!same(resized_to_shape(end, shape), b.outputs[i], shape))
            return fmt::format("the order of the axes of `{}` holds the size", a.outputs[i].value);
    }
    return {};
}

bool same_constant(const graph::Graph& a, graph::ValueId one, const graph::Graph& b, graph::ValueId other) {
    if (!a.is_constant(one) || !b.is_constant(other)) return a.is_constant(one) == b.is_constant(other);
    return *a.value(one).constant == *b.value(other).constant;
}

std::string host_difference(size_t index, const graph::Graph& a, const graph::Graph& b,
                            const graph::Graph& file_graph) {
    if (onnx::write(observe::without_sizes(a)) == onnx::write(observe::without_sizes(b))) return {};
    const std::string part = fmt::format("CPU_{}", index);
    for (size_t i = 0; i < std::min(a.nodes().size(), b.nodes().size()); ++i) {
        const graph::Node &one = a.node(a.nodes()[i]), &other = b.node(b.nodes()[i]);
        if (one.op != other.op || one.inputs.size() != other.inputs.size()) {
            // One that is there at a single size, as a crop that crops nothing at the other, moves those behind it.
            const bool added =
                std::ranges::none_of(a.nodes(), [&](graph::NodeId id) { return a.node(id).name == other.name; });
            const graph::Node& node = added ? other : one;
            return fmt::format("{}: node `{}` becomes another at another size{}", part, node.name,
                               tied_by(file_graph, node.sources));
        }
        bool same = one.attributes == other.attributes;
        for (size_t input = 0; input < one.inputs.size(); ++input)
            same = same && same_constant(a, one.inputs[input], b, other.inputs[input]);
        if (!same) return holds_constant(fmt::format("{}, node `{}`,", part, one.name), file_graph, one.sources);
    }
    return holds_constant(part, file_graph, {});
}

/// The first node that runs elsewhere. What does not pay is told last: it may be so for what another node left beside it.
std::string moved_node(const Front& a, const Front& b) {
    for (const bool for_its_cost : {false, true})
        for (const partition::Decision& one : a.plan.decisions)
            for (const partition::Decision& other : b.plan.decisions) {
                if (one.name != other.name || one.device == other.device) continue;
                const auto& limit = one.limit ? one.limit : other.limit;
                if (!for_its_cost && (!limit || limit->code == "NPU_DOES_NOT_PAY")) continue;
                return fmt::format(": node `{}` runs on the {} at one size and on the {} at the other{}", one.name,
                                   name_of(one.device), name_of(other.device),
                                   limit ? fmt::format(" ({})", npu::sentence_of(*limit)) : "");
            }
    return {};
}

/// The first node of the model with a layer at one size that is not there at the other: what moves nothing is left out.
std::string other_layers(const npu::FloatNetwork& a, const npu::FloatNetwork& b, const graph::Graph& file_graph) {
    for (const auto& [with, without] : {std::pair(&a, &b), std::pair(&b, &a)})
        for (const npu::FloatLayer& layer : with->layers)
            if (std::ranges::find(without->layers, layer.name, &npu::FloatLayer::name) == without->layers.end())
                return fmt::format("node `{}` becomes other layers at another size{}",
                                   layer.sources.empty() ? layer.name : layer.sources.back(),
                                   tied_by(file_graph, layer.sources));
    return a.layers.size() == b.layers.size() ? "" : "a node becomes other layers at another size";
}

/// Among the nodes of the file that a node was made of, one that pads by what is left over, and how it says so. SAME became
/// numbers on either device, ceil_mode on the NPU.
std::string padded_by_rest(const Front& front, const graph::Node& made) {
    const auto decision = std::ranges::find(front.plan.decisions, made.name, &partition::Decision::name);
    const bool npu = decision != front.plan.decisions.end() && decision->device == partition::Device::npu;
    for (const graph::NodeId id : front.file_graph.nodes()) {
        const graph::Node& node = front.file_graph.node(id);
        if (std::ranges::find(made.sources, node.name) == made.sources.end()) continue;
        const std::string auto_pad = graph::string_attribute(node, "auto_pad", "NOTSET");
        const auto kernel = graph::ints_attribute(node, "kernel_shape", {2});
        // An AveragePool also cuts off what a stride longer than its kernel leaves over.
        const bool pads =
            node.op == "AveragePool" || std::ranges::any_of(kernel, [](int64_t size) { return size > 1; });
        if (auto_pad.starts_with("SAME") && pads) return fmt::format("`{}`, by auto_pad {}", node.name, auto_pad);
        if (npu && graph::int_attribute(node, "ceil_mode", 0) != 0) return fmt::format("`{}`, by ceil_mode", node.name);
    }
    return {};
}

/// Whether the sizes that an axis has `step` apart, of which two are given, leave over the same by `stride`.
bool leaves_the_same(int64_t one, int64_t other, int64_t stride, int64_t step) {
    if (stride == 1) return true;
    return step > 1 && one != other && (other - one) % stride == 0;
}

int64_t distance_to_end(int64_t bound, int64_t size) {
    if (bound == npu::Crop::kOpen) return 0;
    return bound < 0 ? -bound : size - bound;
}

}  // namespace

std::string split_difference(const Front& a, const Front& b) {
    if (!std::ranges::equal(a.plan.subgraphs, b.plan.subgraphs, {}, &partition::Subgraph::device,
                            &partition::Subgraph::device))
        return "the split between NPU and CPU is another at another size" + moved_node(a, b);
    return {};
}

std::string node_of_one_size(const Front& a, const Front& b) {
    for (const auto& [with, without] : {std::pair(&a, &b), std::pair(&b, &a)}) {
        std::set<std::string_view> names;
        for (const partition::Decision& decision : without->plan.decisions) names.insert(decision.name);
        for (const partition::Decision& decision : with->plan.decisions)
            if (!names.contains(decision.name))
                return fmt::format("node `{}` becomes another at another size{}", decision.name,
                                   tied_by(a.file_graph, decision.sources));
    }
    return {};
}

std::string other_layers(const Front& a, const Front& b) {
    for (size_t k = 0; k < a.plan.subgraphs.size(); ++k) {
        std::string other = other_layers(a.plan.subgraphs[k].network, b.plan.subgraphs[k].network, a.file_graph);
        if (!other.empty()) return other;
    }
    return {};
}

std::string size_difference(const Front& a, const Front& b) {
    const auto &one = a.plan.subgraphs, &other = b.plan.subgraphs;
    for (size_t k = 0; k < one.size(); ++k) {
        if (one[k].device == partition::Device::cpu) {
            const std::string what = host_difference(k, one[k].graph, other[k].graph, a.file_graph);
            if (!what.empty()) return what;
            continue;
        }
        std::string what = layer_difference(one[k].network, other[k].network, a.file_graph);
        if (what.empty()) what = plan_difference(one[k].network, other[k].network, a.config, a.file_graph);
        if (!what.empty()) return what;
    }
    return {};
}

std::string remainder_difference(const Front& a, const Front& b, int64_t step) {
    for (const graph::NodeId id : a.graph.nodes()) {
        const graph::Node& node = a.graph.node(id);
        if (node.op != "Conv" && node.op != "MaxPool" && node.op != "AveragePool") continue;
        const auto x = a.graph.value(node.inputs[0]).dims;
        const auto same = b.graph.find_value(a.graph.value(node.inputs[0]).name);
        const auto y = same ? b.graph.value(*same).dims : std::nullopt;
        const auto strides = graph::ints_attribute(node, "strides");
        if (!x || !y || x->size() != y->size() || x->size() != strides.size() + 2) continue;
        bool follows = false;
        for (size_t i = 0; i < strides.size(); ++i)
            follows = follows || !leaves_the_same((*x)[i + 2], (*y)[i + 2], strides[i], step);
        if (!follows) continue;
        if (const std::string padded = padded_by_rest(a, node); !padded.empty())
            return fmt::format("the pads follow what a stride leaves over of the size: {}", padded);
    }
    return {};
}

void count_crops_from_the_end(Front& a, Front& b) {
    for (size_t k = 0; k < std::min(a.plan.subgraphs.size(), b.plan.subgraphs.size()); ++k) {
        npu::FloatNetwork &one = a.plan.subgraphs[k].network, &other = b.plan.subgraphs[k].network;
        for (size_t i = 0; i < std::min(one.layers.size(), other.layers.size()); ++i) {
            auto* crop = std::get_if<npu::Crop>(&one.layers[i].attributes);
            auto* same_crop = std::get_if<npu::Crop>(&other.layers[i].attributes);
            if (crop == nullptr || same_crop == nullptr) continue;
            const npu::Map x = npu::as_map(one.tensors[index_of(one.layers[i].inputs[0])].shape),
                           y = npu::as_map(other.tensors[index_of(other.layers[i].inputs[0])].shape);
            const std::array<int64_t, 3> size{x.depth, x.height, x.width}, other_size{y.depth, y.height, y.width};
            for (size_t axis = 0; axis < size.size(); ++axis) {
                const auto from_end = [&](int64_t& bound, int64_t& other_bound) {
                    const int64_t distance = distance_to_end(bound, size[axis]);
                    if (bound == other_bound || distance < 0) return;
                    if (distance != distance_to_end(other_bound, other_size[axis])) return;
                    bound = other_bound = distance == 0 ? npu::Crop::kOpen : -distance;
                };
                from_end(crop->first[axis], same_crop->first[axis]);
                from_end(crop->end[axis], same_crop->end[axis]);
            }
        }
    }
}

}  // namespace calotype::compiler
