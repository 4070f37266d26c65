#include "compiler/resized_maps.hpp"

#include <algorithm>
#include <optional>

#include "base/error.hpp"
#include "lower/as_large_as.hpp"

namespace calotype::compiler {
namespace {

using npu::FloatLayer;
using npu::FloatNetwork;
using npu::TensorId;

/// An enlarged map: an Upsample, or one and the Crop behind it.
struct Enlarged {
    std::string name;  ///< of the last layer, which is the user's node
    TensorId made = TensorId::none;
    std::optional<TensorId> whole;                               ///< where a Crop follows, what it reads
    npu::Upsample how;                                           ///< the whole is made
    bool follows() const { return how.like != TensorId::none; }  ///< another map's size
};

bool cuts_the_end_alone(const npu::Crop& crop) {
    return crop.first == npu::Crop{}.first && crop.step == npu::Crop{}.step && crop.end[3] == npu::Crop::kOpen;
}

/// The Crop that alone reads the tensor, of the same node of the user.
const FloatLayer* crop_behind(const FloatNetwork& network, const FloatLayer& upsample) {
    const auto reads = [&](const FloatLayer& layer) {
        return std::ranges::find(layer.inputs, upsample.output) != layer.inputs.end();
    };
    if (std::ranges::count_if(network.layers, reads) != 1) return nullptr;
    if (std::ranges::find(network.outputs, upsample.output, &npu::Placement::tensor) != network.outputs.end())
        return nullptr;
    const FloatLayer& reader = *std::ranges::find_if(network.layers, reads);
    const auto* crop = std::get_if<npu::Crop>(&reader.attributes);
    return crop != nullptr && cuts_the_end_alone(*crop) && reader.sources == upsample.sources ? &reader : nullptr;
}

std::vector<Enlarged> enlarged(const FloatNetwork& network) {
    std::vector<Enlarged> maps;
    for (const FloatLayer& layer : network.layers) {
        const auto* upsample = std::get_if<npu::Upsample>(&layer.attributes);
        if (upsample == nullptr) continue;
        const FloatLayer* crop = crop_behind(network, layer);
        if (upsample->like == TensorId::none && crop != nullptr)
            maps.push_back({crop->name, crop->output, layer.output, *upsample});
        else
            maps.push_back({layer.name, layer.output, std::nullopt, *upsample});
    }
    return maps;
}

void erase_tensor(FloatNetwork& network, TensorId erased) {
    network.tensors.erase(network.tensors.begin() + static_cast<std::ptrdiff_t>(index_of(erased)));
    const auto move = [&](TensorId& id) {
        if (id > erased) id = static_cast<TensorId>(index_of(id) - 1);
    };
    for (FloatLayer& layer : network.layers) {
        std::ranges::for_each(layer.inputs, move);
        move(layer.output);
        if (auto* upsample = std::get_if<npu::Upsample>(&layer.attributes)) move(upsample->like);
    }
    for (auto* placements : {&network.inputs, &network.outputs})
        for (npu::Placement& placement : *placements) move(placement.tensor);
}

void follow(FloatNetwork& network, const Enlarged& map, TensorId like) {
    if (map.follows()) return;
    if (map.whole) {
        const auto crop = std::ranges::find(network.layers, map.made, &FloatLayer::output);
        FloatLayer& upsample = *std::ranges::find(network.layers, *map.whole, &FloatLayer::output);
        upsample.name = crop->name;
        upsample.output = crop->output;
        upsample.sum_value = crop->sum_value;
        network.layers.erase(crop);
    }
    lower::spread_as_large_as(network, map.made, like);
    CALOTYPE_ASSERT(std::ranges::any_of(enlarged(network),
                                        [&](const Enlarged& now) { return now.made == map.made && now.follows(); }),
                    "a map is as large as the one it meets");
    if (map.whole) erase_tensor(network, *map.whole);
}

/// One map that can follow in both networks and does not yet.
bool follow_one(FloatNetwork& a, FloatNetwork& b) {
    const std::vector<Enlarged> others = enlarged(b);
    for (const Enlarged& one : enlarged(a)) {
        const auto other = std::ranges::find(others, one.name, &Enlarged::name);
        if (other == others.end() || (one.follows() && other->follows())) continue;
        // Nothing but sizes taken from another map makes a Crop at one size only, or takes other factors there.
        if (!one.whole && !other->whole && one.how == other->how) continue;
        const TensorId met_in_a = lower::met_by(a, one.made), met_in_b = lower::met_by(b, other->made);
        if (met_in_a == TensorId::none || met_in_b == TensorId::none) continue;
        if (a.tensors[index_of(met_in_a)].value != b.tensors[index_of(met_in_b)].value) continue;
        follow(a, one, met_in_a);
        follow(b, *other, met_in_b);
        return true;
    }
    return false;
}

}  // namespace

void follow_resized_maps(Front& a, Front& b) {
    for (size_t k = 0; k < std::min(a.plan.subgraphs.size(), b.plan.subgraphs.size()); ++k)
        while (follow_one(a.plan.subgraphs[k].network, b.plan.subgraphs[k].network)) {
        }
}

}  // namespace calotype::compiler
