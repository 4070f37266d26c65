#include "npu/layer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "npu/activation_names.hpp"

namespace calotype::npu {
namespace {

[[noreturn]] void shape_error(const Attributes& attributes, std::string fact) {
    throw Error({"LAYER_SHAPE", fmt::format("a {} layer", kind_name(attributes)), std::move(fact),
                 "give samples (or `--shape`) of a size that every layer of the network can work on"});
}

struct NameOfKind {
    std::string operator()(const Conv& conv) const { return conv.depthwise() ? "DepthwiseConv" : "Conv"; }
    std::string operator()(const FullyConnected&) const { return "FullyConnected"; }
    std::string operator()(const Pool& pool) const {
        return std::string(pool.global ? "Global" : "") + (pool.kind == PoolKind::max ? "MaxPool" : "AveragePool");
    }
    std::string operator()(const Add&) const { return "Add"; }
    std::string operator()(const Mul&) const { return "Mul"; }
    std::string operator()(const Concat&) const { return "Concat"; }
    std::string operator()(const Pad&) const { return "Pad"; }
    std::string operator()(const Crop&) const { return "Crop"; }
    std::string operator()(const Upsample&) const { return "Upsample"; }
    std::string operator()(const SpaceToDepth&) const { return "SpaceToDepth"; }
    std::string operator()(const ChannelReorder&) const { return "ChannelReorder"; }
    std::string operator()(const Reshape&) const { return "Reshape"; }
    std::string operator()(const Requantize&) const { return "Requantize"; }
};

int64_t slide(const Attributes& attributes, const Axis& axis, int64_t size, std::string_view name) {
    const int64_t padded = size + axis.pad_before + axis.pad_after;
    if (padded < axis.extent())
        shape_error(attributes, fmt::format("the window covers {} pixels in {}, the padded map has {}", axis.extent(),
                                            name, padded));
    return axis.output(size);
}

Map slide(const Attributes& attributes, const Window& window, const Map& map) {
    return {slide(attributes, window.depth, map.depth, "depth"), slide(attributes, window.height, map.height, "height"),
            slide(attributes, window.width, map.width, "width"), map.channels};
}

/// Whether pixel i of `out` is pixel floor(i / repeats(in, out)) of `in` by position too, floor(i * in / out): it is where the
/// last of each run still lies in its pixel.
bool repeats_evenly(int64_t in, int64_t out) {
    const int64_t times = repeats(in, out);
    return in <= out && out / times * (times * in - out) < in;
}

/// The shape rule of each kind; `made_for` is what the output was when the network was made.
struct OutputShape {
    const Attributes& attributes;
    const std::vector<Dims>& inputs;
    const Dims& made_for;

    const Dims& first() const { return inputs.front(); }
    size_t rank() const { return first().size(); }
    /// A map of as many axes as the input has: padding must not have given one to an axis left out.
    Dims shape_of(const Map& map) const {
        const std::array<int64_t, 4> sizes{map.depth, map.height, map.width, map.channels};
        for (size_t i = 0; i + rank() < 4; ++i)
            if (sizes[i] != 1) shape_error(attributes, fmt::format("an input of {} axes has none to pad", rank()));
        return as_shape(map, rank());
    }
    void require_same() const {
        for (const Dims& input : inputs)
            if (input != first())
                shape_error(attributes, fmt::format("inputs of shape {} and {}, they must be equal", to_string(first()),
                                                    to_string(input)));
    }

    Dims operator()(const Conv& conv) const {
        Map map = as_map(first());
        if (map.channels != conv.in_channels)
            shape_error(attributes,
                        fmt::format("{} input channels, its weights have {}", map.channels, conv.in_channels));
        map = slide(attributes, conv.window, map);
        map.channels = conv.out_channels;
        return shape_of(map);
    }
    Dims operator()(const FullyConnected& layer) const {
        const int64_t features = element_count(first());
        if (features != layer.in_features)
            shape_error(attributes, fmt::format("{} input elements, its weights have {}", features, layer.in_features));
        return {layer.out_features};
    }
    Dims operator()(const Pool& pool) const {
        const Map map = as_map(first());
        if (pool.global) return shape_of({1, 1, 1, map.channels});
        return shape_of(slide(attributes, pool.window, map));
    }
    Dims operator()(const Add&) const { return require_same(), first(); }
    Dims operator()(const Mul&) const {
        const Map a = as_map(first()), b = as_map(inputs.back());
        const bool same_pixels = a.depth == b.depth && a.height == b.height && a.width == b.width;
        if (!same_pixels || (b.channels != a.channels && b.channels != 1))
            shape_error(attributes,
                        fmt::format("{} cannot be multiplied by {}", to_string(first()), to_string(inputs.back())));
        return first();
    }
    Dims operator()(const Concat& concat) const {
        Dims joined = first();
        const size_t axis = static_cast<size_t>(concat.axis);
        for (size_t i = 1; i < inputs.size(); ++i) {
            Dims rest = inputs[i];
            if (rest.size() != joined.size()) shape_error(attributes, "inputs of different ranks");
            const int64_t size = std::exchange(rest[axis], joined[axis]);
            if (rest != joined)
                shape_error(attributes, fmt::format("{} and {} differ beside axis {}", to_string(first()),
                                                    to_string(inputs[i]), axis));
            joined[axis] += size;
        }
        return joined;
    }
    Dims operator()(const Pad& pad) const {
        Map map = as_map(first());
        map.depth += pad.depth.pad_before + pad.depth.pad_after;
        map.height += pad.height.pad_before + pad.height.pad_after;
        map.width += pad.width.pad_before + pad.width.pad_after;
        map.channels += pad.channels_before + pad.channels_after;
        return shape_of(map);
    }
    Dims operator()(const Crop& crop) const {
        const auto [d, h, w, c] = range_of(crop, as_map(first())).count;
        return as_shape({d, h, w, c}, rank());
    }
    Dims operator()(const Upsample& upsample) const {
        Map map = as_map(first());
        if (upsample.like != TensorId::none) {
            const Map like = as_map(inputs.back());
            for (const auto& [from, to] : {std::pair(map.height, like.height), std::pair(map.width, like.width)})
                if (!repeats_evenly(from, to))
                    shape_error(attributes,
                                fmt::format("{} cannot be made as large as {} by repeating each pixel equally often",
                                            to_string(first()), to_string(inputs.back())));
            return shape_of({map.depth, like.height, like.width, map.channels});
        }
        map.height *= upsample.factor_height;
        map.width *= upsample.factor_width;
        return shape_of(map);
    }
    Dims operator()(const SpaceToDepth& layer) const {
        Map map = as_map(first());
        if (map.height % layer.block != 0 || map.width % layer.block != 0)
            shape_error(attributes,
                        fmt::format("{} does not divide into blocks of {}", to_string(first()), layer.block));
        map = {map.depth, map.height / layer.block, map.width / layer.block, map.channels * layer.block * layer.block};
        return shape_of(map);
    }
    Dims operator()(const ChannelReorder& reorder) const {
        Map map = as_map(first());
        for (const int64_t source : reorder.source)
            if (source < 0 || source >= map.channels)
                shape_error(attributes, fmt::format("channel {} of {}", source, map.channels));
        map.channels = static_cast<int64_t>(reorder.source.size());
        return shape_of(map);
    }
    Dims operator()(const Reshape&) const {
        const int64_t elements = element_count(first());
        if (made_for.empty()) shape_error(attributes, "its output has no axis");
        Dims shape = made_for;
        shape[0] = 1;
        const int64_t rest = element_count(shape);
        if (elements % rest != 0)
            shape_error(attributes, fmt::format("{} has {} elements, which do not fill {}", to_string(first()),
                                                elements, to_string(made_for)));
        shape[0] = elements / rest;
        return shape;
    }
    Dims operator()(const Requantize&) const { return first(); }
};

}  // namespace

Map as_map(const Dims& shape) {
    CALOTYPE_ASSERT(shape.size() <= 4, "a tensor of the NPU has at most four axes");
    std::array<int64_t, 4> sizes{1, 1, 1, 1};
    std::copy(shape.begin(), shape.end(), sizes.end() - static_cast<std::ptrdiff_t>(shape.size()));
    return {sizes[0], sizes[1], sizes[2], sizes[3]};
}

Dims as_shape(const Map& map, size_t rank) {
    const std::array<int64_t, 4> sizes{map.depth, map.height, map.width, map.channels};
    CALOTYPE_ASSERT(rank <= 4, "a tensor of the NPU has at most four axes");
    for (size_t i = 0; i < 4 - rank; ++i) CALOTYPE_ASSERT(sizes[i] == 1, "an axis left out of a shape has size 1");
    return {sizes.end() - static_cast<std::ptrdiff_t>(rank), sizes.end()};
}

CropRange range_of(const Crop& crop, const Map& in) {
    const std::array<int64_t, 4> sizes{in.depth, in.height, in.width, in.channels};
    CropRange range;
    for (size_t i = 0; i < 4; ++i) {
        const int64_t size = sizes[i];
        const auto bound = [size](int64_t at) {
            return std::clamp<int64_t>(at < 0 ? std::max(at, -size) + size : at, 0, size);
        };
        range.first[i] = bound(crop.first[i]);
        range.count[i] = std::max<int64_t>(0, (bound(crop.end[i]) - range.first[i] + crop.step[i] - 1) / crop.step[i]);
    }
    return range;
}

Window window_of(const Pool& pool, const Map& in) {
    if (!pool.global) return pool.window;
    Window whole;
    whole.depth.kernel = in.depth;
    whole.height.kernel = in.height;
    whole.width.kernel = in.width;
    return whole;
}

std::string kind_name(const Attributes& attributes) { return std::visit(NameOfKind{}, attributes); }

static_assert(kActivationNames.size() == static_cast<size_t>(ActivationKind::elu) + 1);
std::string name_of(ActivationKind kind) { return kActivationNames.at(static_cast<size_t>(kind)); }

std::vector<TensorId> sources_of_shape(const Attributes& attributes, std::vector<TensorId> inputs) {
    const auto* upsample = std::get_if<Upsample>(&attributes);
    if (upsample != nullptr && upsample->like != TensorId::none) inputs.push_back(upsample->like);
    return inputs;
}

Dims output_shape(const Attributes& attributes, const std::vector<Dims>& inputs, const Dims& made_for) {
    CALOTYPE_ASSERT(!inputs.empty(), "a layer has an input");
    Dims shape = std::visit(OutputShape{attributes, inputs, made_for}, attributes);
    for (const int64_t size : shape)
        if (size < 1) shape_error(attributes, fmt::format("its output would have the shape {}", to_string(shape)));
    return shape;
}

int64_t macs(const Attributes& attributes, const Dims& output) {
    if (const auto* conv = std::get_if<Conv>(&attributes))
        return element_count(output) * (conv->in_channels / conv->groups) * conv->window.taps();
    if (const auto* layer = std::get_if<FullyConnected>(&attributes)) return layer->in_features * layer->out_features;
    return 0;
}

}  // namespace calotype::npu
