#include "snapshot/check_network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "npu/fixed_point.hpp"
#include "snapshot/check_stage.hpp"
#include "snapshot/damaged.hpp"

namespace calotype::snapshot {
namespace {

constexpr int64_t kMostPixels = 1 << 20;             // of one axis, window or stride
constexpr int64_t kMostElements = int64_t{1} << 31;  // of a tensor
constexpr int64_t kMostArenaBytes = int64_t{1} << 36;

bool within(int64_t value, int64_t lo, int64_t hi) { return lo <= value && value <= hi; }

void check_shape(const Dims& shape, const std::string& where) {
    require(shape.size() <= 4, where, "a shape has more than 4 axes");
    int64_t elements = 1;
    for (const int64_t dim : shape) {
        require(within(dim, 1, kMostElements) && elements <= kMostElements / dim, where,
                "a shape is empty or too large");
        elements *= dim;
    }
}

bool good(const npu::Axis& axis) {
    return within(axis.kernel, 1, kMostPixels) && within(axis.stride, 1, kMostPixels) &&
           within(axis.dilation, 1, kMostPixels) && within(axis.pad_before, 0, kMostPixels) &&
           within(axis.pad_after, 0, kMostPixels);
}
bool good(const npu::Window& window) { return good(window.depth) && good(window.height) && good(window.width); }

/// Ranges of the attributes: what makes the shape rule safe to ask. `rank` is the first input's.
struct GoodAttributes {
    size_t rank;
    bool operator()(const npu::Conv& conv) const {
        return good(conv.window) && within(conv.in_channels, 1, kMostElements) &&
               within(conv.out_channels, 1, kMostElements) && within(conv.groups, 1, conv.in_channels) &&
               conv.in_channels % conv.groups == 0 && conv.out_channels % conv.groups == 0;
    }
    bool operator()(const npu::FullyConnected& layer) const {
        return within(layer.in_features, 1, kMostElements) && within(layer.out_features, 1, kMostElements);
    }
    bool operator()(const npu::Pool& pool) const { return good(pool.window); }
    bool operator()(const npu::Concat& concat) const { return within(concat.axis, 0, static_cast<int64_t>(rank) - 1); }
    bool operator()(const npu::Pad& pad) const {
        return good(pad.depth) && good(pad.height) && good(pad.width) && within(pad.channels_before, 0, kMostPixels) &&
               within(pad.channels_after, 0, kMostPixels);
    }
    bool operator()(const npu::Crop& crop) const {
        for (size_t i = 0; i < 4; ++i) {
            if (!within(crop.first[i], -kMostElements, kMostElements) || !within(crop.step[i], 1, kMostElements) ||
                (crop.end[i] != npu::Crop::kOpen && !within(crop.end[i], -kMostElements, kMostElements)))
                return false;
        }
        return true;
    }
    bool operator()(const npu::Upsample& upsample) const {
        return within(upsample.factor_height, 1, kMostPixels) && within(upsample.factor_width, 1, kMostPixels);
    }
    bool operator()(const npu::SpaceToDepth& layer) const { return within(layer.block, 1, kMostPixels); }
    template <class Other>
    bool operator()(const Other&) const {
        return true;
    }
};

size_t inputs_expected(const npu::Layer& layer) {
    const bool two =
        std::holds_alternative<npu::Add>(layer.attributes) || std::holds_alternative<npu::Mul>(layer.attributes);
    return two ? 2 : std::holds_alternative<npu::Concat>(layer.attributes) ? layer.inputs.size() : 1;
}

/// Elements of weights and of bias.
std::pair<int64_t, int64_t> weights_expected(const npu::Attributes& attributes) {
    if (const auto* conv = std::get_if<npu::Conv>(&attributes)) {
        return {element_count(Dims{conv->out_channels, conv->window.depth.kernel, conv->window.height.kernel,
                                   conv->window.width.kernel, conv->in_channels / conv->groups}),
                conv->out_channels};
    }
    if (const auto* fc = std::get_if<npu::FullyConnected>(&attributes)) {
        return {element_count(Dims{fc->out_features, fc->in_features}), fc->out_features};
    }
    return {0, 0};
}

void check_weights(const npu::Layer& layer, const std::string& where) {
    const auto [weights, bias] = weights_expected(layer.attributes);
    require(static_cast<int64_t>(layer.weights.size()) == weights, where,
            fmt::format("{} weights, its attributes ask for {}", layer.weights.size(), weights));
    require(static_cast<int64_t>(layer.bias.size()) == bias && static_cast<int64_t>(layer.weight_scale.size()) == bias,
            where, "the bias or the weights' scales are not one an output channel");
    for (const float scale : layer.weight_scale) require(scale > 0, where, "a weight's scale is not above zero");
}

/// Whether the layer makes `made` of its inputs.
void check_output(const npu::Layer& layer, const std::vector<Dims>& inputs, const Dims& made_for, const Dims& made,
                  const std::string& where) {
    Dims shape;
    try {
        shape = npu::output_shape(layer.attributes, inputs, made_for);
    } catch (const Error& error) {
        damaged(where, error.text().fact);
    }
    require(shape == made, where, "its output has another shape than its inputs give");
    if (const auto* pool = std::get_if<npu::Pool>(&layer.attributes))
        require(npu::window_of(*pool, npu::as_map(inputs[0])).taps() <= npu::kMostPoolTaps, where,
                "its window has more pixels than an int32 can sum");
}

void check_placement(const npu::Placement& placement, const npu::Network& network, const std::string& where) {
    const auto id = static_cast<int64_t>(placement.tensor);
    require(within(id, 0, static_cast<int64_t>(network.tensors.size()) - 1), where,
            "a placement's tensor does not exist");
    const int64_t elements = element_count(network.tensors[static_cast<size_t>(id)].shape);
    require(!placement.dims.empty() && placement.dims.size() <= 16 && placement.split.size() <= 16, where,
            "a placement has no dims, or too many");
    for (const int64_t dim : placement.dims)
        require(within(dim, 1, kMostElements), where, "a placement's dim is out of range");
    for (const int64_t dim : placement.split)
        require(within(dim, 1, kMostElements), where, "a placement's dim is out of range");
    require(
        element_count(std::span(placement.dims).subspan(1)) == elements && element_count(placement.split) == elements,
        where, fmt::format("value `{}` and its tensor differ in size", placement.value));
    const bool codes = placement.type == DataType::int8 || placement.type == DataType::uint8;
    require(codes || placement.type == DataType::float32, where,
            fmt::format("value `{}` is neither FLOAT32 nor codes", placement.value));
    const std::set<int64_t> axes(placement.axes.begin(), placement.axes.end());
    require(axes.size() == placement.split.size() && placement.axes.size() == axes.size() &&
                (axes.empty() || (*axes.begin() == 0 && *axes.rbegin() == static_cast<int64_t>(axes.size()) - 1)),
            where, fmt::format("value `{}` has axes that are no permutation", placement.value));
}

}  // namespace

void check_network(const npu::Network& network, const std::string& where) {
    std::vector<bool> made;
    for (const npu::CodeTensor& tensor : network.tensors) {
        check_shape(tensor.shape, where);
        check_quantization(tensor.quantization, npu::channels_of(tensor.shape), where);
        require(tensor.precision == npu::Precision::int8, where, "a tensor is not INT8: this version has no other");
        made.push_back(!tensor.constant.empty());
        require(!made.back() || static_cast<int64_t>(tensor.constant.size()) == element_count(tensor.shape), where,
                fmt::format("constant `{}` has {} codes, its shape {}", tensor.value, tensor.constant.size(),
                            to_string(tensor.shape)));
    }
    const auto tensor_count = static_cast<int64_t>(network.tensors.size());
    for (const npu::Placement& placement : network.inputs) {
        check_placement(placement, network, where);
        require(network.tensors[static_cast<size_t>(placement.tensor)].constant.empty(), where,
                fmt::format("input `{}` is a constant", placement.value));
        made[static_cast<size_t>(placement.tensor)] = true;
    }
    for (const npu::Layer& layer : network.layers) {
        const std::string at = fmt::format("{}: layer `{}`", where, layer.name);
        require(!layer.inputs.empty() && layer.inputs.size() == inputs_expected(layer), at, "a wrong number of inputs");
        std::vector<Dims> shapes;
        for (const npu::TensorId id : npu::sources_of_shape(layer.attributes, layer.inputs)) {
            require(within(static_cast<int64_t>(id), 0, tensor_count - 1) && made[static_cast<size_t>(id)], at,
                    "an input is not made before it");
            shapes.push_back(network.tensors[static_cast<size_t>(id)].shape);
        }
        require(
            within(static_cast<int64_t>(layer.output), 0, tensor_count - 1) && !made[static_cast<size_t>(layer.output)],
            at, "its output does not exist, or is made twice");
        made[static_cast<size_t>(layer.output)] = true;
        const Dims& output = network.tensors[static_cast<size_t>(layer.output)].shape;
        require(std::visit(GoodAttributes{shapes[0].size()}, layer.attributes), at, "an attribute is out of range");
        check_output(layer, shapes, output, output, at);
        check_weights(layer, at);
        check_stage(layer, npu::channels_of(output), at);
    }
    for (const npu::Placement& placement : network.outputs) {
        check_placement(placement, network, where);
        require(made[static_cast<size_t>(placement.tensor)], where,
                fmt::format("output `{}` is never made", placement.value));
    }
}

void check_program(const npu::Network& network, const npu::Program& program, const std::string& where) {
    require(program.shapes.size() == network.tensors.size() && program.placement.size() == network.tensors.size() &&
                program.steps.size() == network.layers.size(),
            where, "program and network differ in their number of tensors or layers");
    require(within(program.arena_bytes, 0, kMostArenaBytes), where, "its arena has an absurd size");
    std::vector<bool> made;
    for (size_t i = 0; i < program.shapes.size(); ++i) {
        check_shape(program.shapes[i], where);
        require(npu::channels_of(program.shapes[i]) == npu::channels_of(network.tensors[i].shape), where,
                fmt::format("tensor {} has other channels", i));
        made.push_back(!network.tensors[i].constant.empty());
        if (made.back()) {  // it lies among the weights
            require(program.shapes[i] == network.tensors[i].shape, where,
                    fmt::format("constant `{}` has another shape there", network.tensors[i].value));
            continue;
        }
        const npu::Span& span = program.placement[i];
        require(within(span.offset_bytes, 0, program.arena_bytes) &&
                    span.size_bytes >= element_count(program.shapes[i]) &&
                    span.size_bytes <= program.arena_bytes - span.offset_bytes,
                where, fmt::format("tensor {} lies outside the arena", i));
    }
    for (const npu::Placement& placement : network.inputs) made[static_cast<size_t>(placement.tensor)] = true;
    for (const npu::Step& step : program.steps) {
        require(within(step.layer, 0, static_cast<int64_t>(network.layers.size()) - 1), where,
                "a step's layer does not exist");
        const npu::Layer& layer = network.layers[static_cast<size_t>(step.layer)];
        std::vector<Dims> shapes;
        for (const npu::TensorId id : npu::sources_of_shape(layer.attributes, layer.inputs)) {
            require(made[static_cast<size_t>(id)], where, fmt::format("layer `{}` runs before its input", layer.name));
            shapes.push_back(program.shapes[static_cast<size_t>(id)]);
        }
        const auto output = static_cast<size_t>(layer.output);
        require(!made[output], where, fmt::format("layer `{}` runs twice", layer.name));
        made[output] = true;
        check_output(layer, shapes, network.tensors[output].shape, program.shapes[output],
                     fmt::format("{}: layer `{}`", where, layer.name));
    }
}

namespace {

/// Dims that a program was made for, of a value that may have `dims`.
void check_dims(const Dims& made_for, const Dims& dims, const std::string& subject) {
    require(made_for.size() == dims.size(), subject, "its shape and the one it was made for differ in rank");
    int64_t elements = 1;
    for (size_t axis = 0; axis < dims.size(); ++axis) {
        const int64_t size = made_for[axis];
        require(dims[axis] == -1 || dims[axis] == size, subject, "it was made for another shape");
        require(within(size, 0, kMostElements) && elements <= kMostElements / std::max<int64_t>(size, 1), subject,
                "its shape is too large");
        elements *= std::max<int64_t>(size, 1);
    }
}

void check_port(const execute::Port& port, size_t further_sizes, const std::string& where) {
    const std::string subject = fmt::format("{}: `{}`", where, port.name);
    check_dims(port.made_for, port.dims, subject);
    require(port.also_for.size() == further_sizes, subject, "its sizes are not as many as another's");
    for (const Dims& dims : port.also_for) check_dims(dims, port.dims, subject);
    require(port.kind == Kind::tensor || (port.dims.empty() && port.boundary == Boundary::plain), subject,
            "a sequence or optional has neither dims nor codes");
    if (port.boundary != Boundary::plain) check_quantization(port.quantization, 1, where);
}

}  // namespace

void check_flow(const execute::Model& model) {
    const std::string where = "`manifest.json`";
    require(within(model.batch, 1, kMostElements), where, "the batch is out of range");
    require(within(model.size_step, 1, kMostPixels), where, "the step between sizes is out of range");
    const size_t further_sizes = model.inputs.empty() ? 0 : model.inputs[0].also_for.size();
    std::set<std::string> known;
    for (const execute::Port& port : model.inputs) {
        require(known.insert(port.name).second, where, fmt::format("input `{}` stands there twice", port.name));
        check_port(port, further_sizes, where);
    }
    for (const execute::Subgraph& subgraph : model.subgraphs) {
        for (const std::string& name : execute::inputs_of(subgraph)) {
            require(known.contains(name), where, fmt::format("value `{}` is read before it is made", name));
        }
        for (const std::string& name : execute::outputs_of(subgraph)) {
            require(known.insert(name).second, where, fmt::format("value `{}` is made twice", name));
        }
    }
    for (const execute::Port& port : model.outputs) {
        require(known.contains(port.name), where, fmt::format("output `{}` is never made", port.name));
        check_port(port, further_sizes, where);
    }
}

void check_model(const execute::Model& model) {
    for (size_t k = 0; k < model.subgraphs.size(); ++k) {
        const auto* npu = std::get_if<execute::NpuSubgraph>(&model.subgraphs[k]);
        if (npu == nullptr) continue;
        const std::string where = execute::name_of(model.subgraphs[k], k);
        check_network(npu->network, where);
        check_program(npu->network, npu->program, where);
        for (const npu::Program& program : npu->more_programs) check_program(npu->network, program, where);
    }
    check_flow(model);
}

}  // namespace calotype::snapshot
