#include "view/layer_nodes.hpp"

#include <algorithm>

#include "view/weights.hpp"

namespace calotype::view {
namespace {

using Attributes = std::map<std::string, graph::Attribute>;

/// Each layer kind as ONNX nodes.
struct LayerNodes {
    Builder& builder;
    const npu::Network& network;
    const npu::Layer& layer;
    const std::vector<Shown>& shown;
    std::vector<ValueId> inputs;  ///< in reals

    const npu::CodeTensor& tensor(npu::TensorId id) const { return network.tensors.at(static_cast<size_t>(id)); }
    const npu::CodeTensor& input() const { return tensor(layer.inputs.front()); }
    const npu::CodeTensor& output() const { return tensor(layer.output); }
    size_t rank() const { return input().shape.size(); }
    /// Axes of a map that the view shows; ONNX wants at least one.
    size_t spatial() const { return std::max<size_t>(rank(), 2) - 1; }
    ValueId node(const char* op, std::vector<ValueId> read, Attributes attributes = {}) const {
        return builder.node(op, layer.name, std::move(read), std::move(attributes));
    }

    std::vector<npu::Axis> axes(const npu::Axis& depth, const npu::Axis& height, const npu::Axis& width) const {
        const std::vector<npu::Axis> all{depth, height, width};
        return {all.end() - static_cast<std::ptrdiff_t>(spatial()), all.end()};
    }
    Attributes window(const npu::Window& shown, bool dilations) const {
        std::vector<int64_t> kernel, strides, dilation, before, after;
        for (const npu::Axis& axis : axes(shown.depth, shown.height, shown.width)) {
            kernel.push_back(axis.kernel);
            strides.push_back(axis.stride);
            dilation.push_back(axis.dilation);
            before.push_back(axis.pad_before);
            after.push_back(axis.pad_after);
        }
        before.insert(before.end(), after.begin(), after.end());
        Attributes attributes{{"kernel_shape", kernel}, {"strides", strides}, {"pads", before}};
        if (dilations) attributes["dilations"] = dilation;
        return attributes;
    }
    /// A tensor [C] gets one pixel for operators that want a map, and the result loses it again.
    ValueId as_map() const {
        if (rank() > 1) return inputs[0];
        const auto pixel = [&](ValueId x) {
            return builder.reshape(layer.name + "/pixel", x, {input().shape.back(), 1});
        };
        return moved(builder, layer.name + "/pixel", shown[0], input().quantization, pixel);
    }
    ValueId from_map(ValueId x) const {
        return rank() > 1 ? x : builder.reshape(layer.name + "/no_pixel", x, {output().shape.back()});
    }

    ValueId operator()(const npu::Conv& conv) const {
        Attributes attributes = window(conv.window, true);
        attributes["group"] = conv.groups;
        const ValueId weights = add_conv_weights(builder, layer, conv, input().quantization, spatial());
        const ValueId bias = add_bias(builder, layer, input().quantization);
        return from_map(node("Conv", {as_map(), weights, bias}, std::move(attributes)));
    }
    ValueId operator()(const npu::FullyConnected& full) const {
        const auto flat = [&](ValueId map) {
            const ValueId ordered = channels_last(builder, layer.name + "/memory_order", map, rank());
            return rank() > 1 ? builder.reshape(layer.name + "/flat", ordered, {full.in_features}) : ordered;
        };
        const ValueId x = moved(builder, layer.name + "/flat", shown[0], input().quantization, flat);
        const ValueId weights = add_full_weights(builder, layer, full, input().quantization);
        return node("Gemm", {x, weights, add_bias(builder, layer, input().quantization)}, {{"transB", int64_t{1}}});
    }
    ValueId operator()(const npu::Pool& pool) const {
        const bool max = pool.kind == npu::PoolKind::max;
        const ValueId x = as_map();
        if (pool.global) return from_map(node(max ? "GlobalMaxPool" : "GlobalAveragePool", {x}));
        Attributes attributes = window(pool.window, max);
        if (!max) attributes["count_include_pad"] = int64_t{1};
        return from_map(node(max ? "MaxPool" : "AveragePool", {x}, std::move(attributes)));
    }
    ValueId operator()(const npu::Add&) const { return node("Add", {inputs[0], inputs[1]}); }
    ValueId operator()(const npu::Mul&) const { return node("Mul", {inputs[0], inputs[1]}); }
    ValueId operator()(const npu::Concat& concat) const {
        const bool channels = concat.axis + 1 == static_cast<int64_t>(rank());
        return node("Concat", inputs, {{"axis", channels ? int64_t{1} : concat.axis + 2}});
    }
    ValueId operator()(const npu::Pad& pad) const {
        std::vector<int64_t> before{0, pad.channels_before}, after{0, pad.channels_after};
        if (rank() > 1) {
            for (const npu::Axis& axis : axes(pad.depth, pad.height, pad.width)) {
                before.push_back(axis.pad_before);
                after.push_back(axis.pad_after);
            }
        }
        before.insert(before.end(), after.begin(), after.end());
        return node("Pad", {inputs[0], builder.ints(layer.name + "/pads", before)});
    }
    ValueId operator()(const npu::Crop& crop) const {
        const Dims& out = output().shape;
        std::vector<int64_t> first, last, axis, step;
        for (size_t i = 0; i < out.size(); ++i) {
            const size_t map_axis = 4 - out.size() + i;
            first.push_back(crop.first[map_axis]);
            step.push_back(crop.step[map_axis]);
            last.push_back(crop.end[map_axis]);
            axis.push_back(i + 1 == out.size() ? 1 : static_cast<int64_t>(i) + 2);
        }
        const std::string& name = layer.name;
        return node("Slice", {inputs[0], builder.ints(name + "/starts", first), builder.ints(name + "/ends", last),
                              builder.ints(name + "/axes", axis), builder.ints(name + "/steps", step)});
    }
    ValueId operator()(const npu::Upsample&) const {
        std::vector<float> scales(rank() + 1, 1.0F);
        std::vector<int64_t> sizes, axes;
        for (size_t i = 0; i + 1 < rank(); ++i) {
            const int64_t size = output().shape[i], times = npu::repeats(input().shape[i], size);
            scales[i + 2] = static_cast<float>(times);
            if (times * input().shape[i] == size) continue;
            sizes.push_back(size);
            axes.push_back(static_cast<int64_t>(i) + 2);
        }
        const ValueId factors = builder.floats(layer.name + "/scales", {static_cast<int64_t>(scales.size())}, scales);
        const ValueId whole = node("Resize", {inputs[0], ValueId::none, factors},
                                   {{"mode", std::string("nearest")},
                                    {"nearest_mode", std::string("floor")},
                                    {"coordinate_transformation_mode", std::string("asymmetric")}});
        if (axes.empty()) return whole;
        const std::vector<int64_t> starts(axes.size(), 0);
        return node("Slice", {whole, builder.ints(layer.name + "/starts", starts),
                              builder.ints(layer.name + "/ends", sizes), builder.ints(layer.name + "/axes", axes)});
    }
    ValueId operator()(const npu::SpaceToDepth& space) const {
        return node("SpaceToDepth", {inputs[0]}, {{"blocksize", space.block}});
    }
    ValueId operator()(const npu::ChannelReorder& reorder) const {
        return node("Gather", {inputs[0], builder.ints(layer.name + "/source", reorder.source)},
                    {{"axis", int64_t{1}}});
    }
    ValueId operator()(const npu::Reshape&) const { CALOTYPE_ASSERT(false, "a Reshape moves codes"); }
    ValueId operator()(const npu::Requantize&) const { return inputs[0]; }
};

}  // namespace

ValueId channels_last(Builder& builder, const std::string& name, ValueId x, size_t rank) {
    std::vector<int64_t> axes{0};
    for (size_t i = 1; i < rank; ++i) axes.push_back(static_cast<int64_t>(i) + 1);
    if (rank > 0) axes.push_back(1);
    return builder.transpose(name, x, axes);
}

ValueId channels_first(Builder& builder, const std::string& name, ValueId x, size_t rank) {
    std::vector<int64_t> axes{0};
    if (rank > 0) axes.push_back(static_cast<int64_t>(rank));
    for (size_t i = 1; i < rank; ++i) axes.push_back(static_cast<int64_t>(i));
    return builder.transpose(name, x, axes);
}

ValueId add_layer(Builder& builder, const npu::Network& network, const npu::Layer& layer,
                  const std::vector<Shown>& inputs) {
    std::vector<ValueId> reals;
    for (const Shown& input : inputs) reals.push_back(input.reals);
    return std::visit(LayerNodes{builder, network, layer, inputs, std::move(reals)}, layer.attributes);
}

ValueId add_reshape(Builder& builder, const npu::Network& network, const npu::Layer& layer, ValueId codes) {
    const auto shape = [&](npu::TensorId id) { return network.tensors.at(static_cast<size_t>(id)).shape; };
    const Dims out = shape(layer.output);
    const ValueId ordered = channels_last(builder, layer.name + "/memory_order", codes, shape(layer.inputs[0]).size());
    const ValueId reshaped = builder.reshape(layer.name, ordered, out);
    return channels_first(builder, layer.name + "/channels_first", reshaped, out.size());
}

}  // namespace calotype::view
