// Upsample(p, h x w), Concat(.., t) => Upsample(p, like t), Concat(.., t)     p one pixel of every map, t of h x w
// likewise before Add and Mul, and where layers that keep height and width lie between. Exact at every size: what is
// joined, added or multiplied has one height and width, and p has one pixel.

#include "lower/as_large_as.hpp"

#include <algorithm>
#include <queue>
#include <set>

#include "base/error.hpp"

namespace calotype::lower {
namespace {

using npu::FloatLayer;
using npu::FloatNetwork;
using npu::TensorId;

bool keeps_size(const npu::Axis& axis) {
    return axis.stride == 1 && axis.pad_before + axis.pad_after == axis.extent() - 1;
}
bool keeps_size(const npu::Window& window) {
    return keeps_size(window.depth) && keeps_size(window.height) && keeps_size(window.width);
}

/// Whether the layer's output has its first input's height and width, whatever they are.
bool keeps_size(const npu::Attributes& attributes) {
    if (const auto* conv = std::get_if<npu::Conv>(&attributes)) return keeps_size(conv->window);
    if (const auto* pool = std::get_if<npu::Pool>(&attributes)) return !pool->global && keeps_size(pool->window);
    return std::holds_alternative<npu::Add>(attributes) || std::holds_alternative<npu::Mul>(attributes) ||
           std::holds_alternative<npu::Requantize>(attributes) ||
           std::holds_alternative<npu::ChannelReorder>(attributes);
}

/// Whether the axis has one row or column at every size: a single one, counted from the start or from the end.
bool takes_one(const npu::Crop& crop, size_t axis) {
    return crop.end[axis] == crop.first[axis] + 1 || (crop.first[axis] == -1 && crop.end[axis] == npu::Crop::kOpen);
}

/// Which shapes of a network follow from which.
class Shapes {
  public:
    explicit Shapes(const FloatNetwork& network) : network_(network) {}

    std::vector<TensorId> by_factors() const {
        std::vector<TensorId> made;
        for (const FloatLayer& layer : network_.layers) {
            const auto* upsample = std::get_if<npu::Upsample>(&layer.attributes);
            if (upsample != nullptr && upsample->like == TensorId::none && is_one_pixel(layer.inputs[0]))
                made.push_back(layer.output);
        }
        return made;
    }

    npu::Map map_of(TensorId id) const { return npu::as_map(network_.tensors[index_of(id)].shape); }
    const FloatLayer* writer(TensorId id) const {
        const auto found = std::ranges::find(network_.layers, id, &FloatLayer::output);
        return found == network_.layers.end() ? nullptr : &*found;
    }
    std::vector<TensorId> sources(const FloatLayer& layer) const {
        return npu::sources_of_shape(layer.attributes, layer.inputs);
    }

    /// One pixel at every size: pooled over the whole map, cut out of it, or computed from all of it.
    bool is_one_pixel(TensorId id) const {
        const FloatLayer* layer = writer(id);
        if (layer == nullptr || map_of(id).pixels() != 1) return false;
        if (const auto* pool = std::get_if<npu::Pool>(&layer->attributes); pool != nullptr && pool->global) return true;
        if (std::holds_alternative<npu::FullyConnected>(layer->attributes)) return true;
        if (const auto* crop = std::get_if<npu::Crop>(&layer->attributes);
            crop != nullptr && network_.tensors[index_of(id)].shape.size() == 3 && takes_one(*crop, 1) &&
            takes_one(*crop, 2))
            return true;
        if (!keeps_size(layer->attributes) && !std::holds_alternative<npu::Reshape>(layer->attributes)) return false;
        return std::ranges::all_of(layer->inputs, [&](TensorId input) {
            return !network_.tensors[index_of(input)].constant.empty() || is_one_pixel(input);
        });
    }

    bool follows_from(TensorId id, TensorId source) const {
        std::queue<TensorId> left({id});
        std::set<TensorId> seen;
        for (; !left.empty(); left.pop()) {
            if (left.front() == source) return true;
            const FloatLayer* layer = seen.insert(left.front()).second ? writer(left.front()) : nullptr;
            if (layer == nullptr) continue;
            for (const TensorId before : sources(*layer)) left.push(before);
        }
        return false;
    }

    /// The first tensor that the map, or what keeps its size, is joined or combined with, and that does not follow from it.
    TensorId met_by(TensorId map) const {
        std::queue<TensorId> left({map});
        std::set<TensorId> seen;
        for (; !left.empty(); left.pop()) {
            if (!seen.insert(left.front()).second) continue;
            for (const FloatLayer& layer : network_.layers) {
                if (std::ranges::find(layer.inputs, left.front()) == layer.inputs.end()) continue;
                const auto* concat = std::get_if<npu::Concat>(&layer.attributes);
                const bool of_channels =
                    concat != nullptr && concat->axis + 1 == std::ssize(network_.tensors[index_of(map)].shape);
                if (!of_channels && !keeps_size(layer.attributes)) continue;
                for (const TensorId other : layer.inputs)
                    if (network_.tensors[index_of(other)].constant.empty() && !follows_from(other, map)) return other;
                left.push(layer.output);
            }
        }
        return TensorId::none;
    }

  private:
    const FloatNetwork& network_;
};

/// What a layer's shape follows from stands before it; among free choices the order that was.
void sort(FloatNetwork& network) {
    std::set<TensorId> made;
    for (size_t t = 0; t < network.tensors.size(); ++t)
        if (Shapes(network).writer(static_cast<TensorId>(t)) == nullptr) made.insert(static_cast<TensorId>(t));
    std::vector<FloatLayer> left = std::move(network.layers), sorted;
    while (!left.empty()) {
        const auto next = std::ranges::find_if(left, [&](const FloatLayer& layer) {
            return std::ranges::all_of(npu::sources_of_shape(layer.attributes, layer.inputs),
                                       [&](TensorId source) { return made.contains(source); });
        });
        CALOTYPE_ASSERT(next != left.end(), "no map is as large as one that follows from it");
        made.insert(next->output);
        sorted.push_back(std::move(*next));
        left.erase(next);
    }
    network.layers = std::move(sorted);
}

}  // namespace

void spread_as_large_as_met(FloatNetwork& network) {
    for (const TensorId made : spread_by_factors(network))
        if (const TensorId met = met_by(network, made); met != TensorId::none) spread_as_large_as(network, made, met);
}

TensorId met_by(const FloatNetwork& network, TensorId map) { return Shapes(network).met_by(map); }

std::vector<TensorId> spread_by_factors(const FloatNetwork& network) { return Shapes(network).by_factors(); }

void spread_as_large_as(FloatNetwork& network, TensorId made, TensorId like) {
    const Shapes shapes(network);
    const npu::Map map = shapes.map_of(made), other = shapes.map_of(like);
    if (shapes.follows_from(like, made) || map.height != other.height || map.width != other.width) return;
    std::ranges::find(network.layers, made, &FloatLayer::output)->attributes = npu::Upsample{1, 1, like};
    sort(network);
}

}  // namespace calotype::lower
