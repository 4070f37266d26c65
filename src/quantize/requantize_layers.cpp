#include "quantize/requantize_layers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "quantize/scales.hpp"

namespace calotype::quantize {
namespace {

constexpr double kNoiseGrowth = 4;  // one bit

/// A reader that asks for equal scales: input `input` of a layer, or a network output.
struct Demand {
    bool output = false;
    size_t index = 0, input = 0;  ///< of the layer and its input, or of the output
};

npu::TensorId read_by(const npu::FloatNetwork& network, const Demand& demand) {
    return demand.output ? network.outputs[demand.index].tensor : network.layers[demand.index].inputs[demand.input];
}

/// Whether a layer that only moves codes brings channels of different scales together.
bool mixes_channels(const npu::FloatNetwork& network, const npu::FloatLayer& layer, const ScaleClasses& classes) {
    if (const auto* concat = std::get_if<npu::Concat>(&layer.attributes)) {
        return concat->axis + 1 !=
               static_cast<int64_t>(network.tensors[static_cast<size_t>(layer.output)].shape.size());
    }
    return std::holds_alternative<npu::Reshape>(layer.attributes) &&
           classes.channels(layer.inputs[0]) != classes.channels(layer.output);
}

/// Joins what costs nobody anything; keeps apart the rest.
class Separation {
  public:
    Separation(const npu::FloatNetwork& network, const Statistics& statistics, bool per_channel)
        : network_(network), per_channel_(per_channel), classes_(network), minds_(network.tensors.size()) {
        for (const TensorStatistics& tensor : statistics.tensors) ranges_.push_back(tensor.ranges());
        for (const npu::FloatLayer& layer : network.layers) {
            const bool computes = !only_moves(layer.attributes);
            for (const npu::TensorId input : layer.inputs)
                minds_[index_of(input)] = minds_[index_of(input)] || computes;
        }
        for (const npu::Placement& input : network.inputs) {
            if (!network.handed_on.contains(input.value)) classes_.join_channels(input.tensor);
            const auto bytes = byte_range(statistics.tensors[index_of(input.tensor)]);
            if (bytes && !network.tensors[index_of(input.tensor)].stated) {
                ranges_[index_of(input.tensor)].assign(ranges_[index_of(input.tensor)].size(), *bytes);
                bytes_.emplace_back(input.tensor, *bytes);
            }
        }
        for (size_t t = 0; !per_channel && t < network.tensors.size(); ++t) {
            classes_.join_channels(static_cast<npu::TensorId>(t));
        }
        for (size_t at = 0; at < network.layers.size(); ++at) {
            const npu::FloatLayer& layer = network.layers[at];
            const bool moves = only_moves(layer.attributes) && !mixes_channels(network, layer, classes_);
            for (size_t i = 0; moves && i < layer.inputs.size(); ++i) {
                if (classes_.differ_through(network, layer, i))
                    apart_.push_back({false, at, i});
                else
                    classes_.join_through(network, layer, i);
            }
        }
    }

    /// From the end backwards, so that what a reader asks for is known before its writers are asked.
    std::vector<Demand> apart() {
        const auto settle = [&](const Demand& demand) {
            const npu::TensorId read = read_by(network_, demand);
            if (!network_.tensors[index_of(read)].constant.empty()) {  // it has one reader, in whose scale it is coded
                join(classes_, demand);
                return true;
            }
            if (differ(demand)) {
                apart_.push_back(demand);
                return false;
            }
            ScaleClasses joined = classes_;
            join(joined, demand);
            const bool costs = !joined.all_stated(read) && costs_a_reader(joined, read);
            if (costs) apart_.push_back(demand);
            if (!costs) classes_ = std::move(joined);
            return !costs;
        };
        for (size_t i = 0; i < network_.outputs.size(); ++i) {
            const bool handed_on = network_.handed_on.contains(network_.outputs[i].value);
            const bool kept = handed_on || settle({true, i, 0});
            if (kept) minds_[index_of(network_.outputs[i].tensor)] = true;
        }
        for (size_t i = network_.layers.size(); i-- > 0;) {
            const npu::FloatLayer& layer = network_.layers[i];
            if (!only_moves(layer.attributes) || !mixes_channels(network_, layer, classes_)) continue;
            for (size_t input = 0; input < layer.inputs.size(); ++input) settle({false, i, input});
        }
        return apart_;
    }

  private:
    bool differ(const Demand& demand) const {
        if (demand.output) return classes_.channels_differ(network_.outputs[demand.index].tensor);
        return classes_.differ_through(network_, network_.layers[demand.index], demand.input);
    }
    void join(ScaleClasses& classes, const Demand& demand) const {
        if (demand.output) return classes.join_channels(network_.outputs[demand.index].tensor);
        classes.join_through(network_, network_.layers[demand.index], demand.input);
        if (!per_channel_) classes.join_channels(network_.layers[demand.index].output);
    }

    /// Ranges of the classes, of the group of `tensor` alone.
    std::vector<Range> ranges(const ScaleClasses& classes, size_t group) const {
        std::vector<Range> all(static_cast<size_t>(classes.slots()));
        for (size_t t = 0; t < ranges_.size(); ++t) {
            for (size_t c = 0; classes.group()[t] == group && c < ranges_[t].size(); ++c) {
                const auto slot = classes.of(static_cast<npu::TensorId>(t), static_cast<int64_t>(c));
                all[static_cast<size_t>(slot)].include(ranges_[t][c]);
            }
        }
        return all;
    }

    bool costs_a_reader(const ScaleClasses& joined, npu::TensorId tensor) const {
        const size_t group = joined.group()[index_of(tensor)];
        std::set<size_t> before_groups;
        for (size_t t = 0; t < ranges_.size(); ++t) {
            if (joined.group()[t] == group) before_groups.insert(classes_.group()[t]);
        }
        const std::vector<Range> after = ranges(joined, group);
        for (const auto& [input, bytes] : bytes_) {
            if (joined.group()[index_of(input)] != group) continue;
            const Range& range = after[static_cast<size_t>(joined.of(input, 0))];
            if (range.lo < bytes.lo || range.hi > bytes.hi) return true;
        }
        for (const size_t before_group : before_groups) {
            const std::vector<Range> before = ranges(classes_, before_group);
            for (size_t t = 0; t < ranges_.size(); ++t) {
                if (!minds_[t] || classes_.group()[t] != before_group) continue;
                double noise_before = 0, noise_after = 0;
                for (size_t c = 0; c < ranges_[t].size(); ++c) {
                    const auto id = static_cast<npu::TensorId>(t);
                    const auto channel = static_cast<int64_t>(c);
                    noise_before += std::pow(before[static_cast<size_t>(classes_.of(id, channel))].width(), 2);
                    noise_after += std::pow(after[static_cast<size_t>(joined.of(id, channel))].width(), 2);
                }
                if (noise_after > kNoiseGrowth * noise_before) return true;
            }
        }
        return false;
    }

    const npu::FloatNetwork& network_;
    bool per_channel_;
    ScaleClasses classes_;
    std::vector<Demand> apart_;
    std::vector<bool> minds_;                             // by tensor: somebody computes with it, or it is an output
    std::vector<std::vector<Range>> ranges_;              // by tensor and channel
    std::vector<std::pair<npu::TensorId, Range>> bytes_;  // inputs of whole numbers, and the range that their byte has
};

npu::TensorId copy_tensor(Separated& separated, npu::TensorId tensor) {
    auto& tensors = separated.network.tensors;
    tensors.push_back(npu::FloatTensor(tensors[static_cast<size_t>(tensor)]));
    tensors.back().stated.reset();  // its reader's scale is what it is there for
    auto& statistics = separated.statistics.tensors;
    statistics.push_back(TensorStatistics(statistics[static_cast<size_t>(tensor)]));
    return static_cast<npu::TensorId>(tensors.size() - 1);
}

}  // namespace

npu::TensorId insert_requantize(Separated& separated, npu::TensorId input, size_t before) {
    const npu::TensorId output = copy_tensor(separated, input);
    const std::string value = separated.network.tensors[index_of(input)].value;
    npu::FloatLayer layer;
    layer.name = fmt::format("{}/requantize_{}", value, static_cast<int>(output));
    layer.attributes = npu::Requantize{};
    layer.inputs = {input};
    layer.output = output;
    layer.sum_value = value;
    const auto position = static_cast<int64_t>(before);
    auto& layers = separated.network.layers;
    layers.insert(layers.begin() + position, std::move(layer));
    auto& sum_mean = separated.statistics.sum_mean;
    sum_mean.insert(sum_mean.begin() + position, separated.statistics.tensors[index_of(input)].mean);
    return output;
}

std::optional<Separated> separate_scales(const npu::FloatNetwork& network, const Statistics& statistics,
                                         bool per_channel) {
    const std::vector<Demand> apart = Separation(network, statistics, per_channel).apart();
    if (apart.empty()) return std::nullopt;
    Separated out{network, statistics};
    auto& layers = out.network.layers;
    for (const Demand& demand : apart) {
        const npu::TensorId input = read_by(network, demand);
        if (demand.output) {
            out.network.outputs[demand.index].tensor = insert_requantize(out, input, layers.size());
            continue;
        }
        const npu::TensorId writes = network.layers[demand.index].output;
        const auto reader = std::ranges::find(layers, writes, &npu::FloatLayer::output);
        const auto before = static_cast<size_t>(reader - layers.begin());
        const npu::TensorId output = insert_requantize(out, input, before);
        layers[before + 1].inputs[demand.input] = output;
    }
    return out;
}

std::optional<Separated> keep_bytes(const npu::FloatNetwork& network, const Statistics& statistics,
                                    const Scales& chosen, const Scales& settled) {
    Separated out{network, statistics};
    for (size_t i = 0; i < network.inputs.size(); ++i) {
        const npu::TensorId input = network.inputs[i].tensor;
        if (!chosen.whole_numbers[i] || chosen.tensors[index_of(input)] == settled.tensors[index_of(input)]) continue;
        const npu::TensorId coarser = insert_requantize(out, input, 0);
        for (npu::FloatLayer& layer : out.network.layers)
            if (only_moves(layer.attributes)) std::ranges::replace(layer.inputs, input, coarser);
    }
    return out.network.layers.size() > network.layers.size() ? std::optional(std::move(out)) : std::nullopt;
}

std::vector<npu::FloatTensor> tensors_of(const npu::FloatNetwork& from, const npu::Network& network) {
    std::vector<npu::FloatTensor> tensors = from.tensors;
    tensors.resize(network.tensors.size());
    for (const npu::Layer& layer : network.layers) {
        const auto output = static_cast<size_t>(layer.output);
        if (output < from.tensors.size()) continue;
        CALOTYPE_ASSERT(std::holds_alternative<npu::Requantize>(layer.attributes),
                        "only Requantize layers add tensors");
        tensors[output] = tensors[static_cast<size_t>(layer.inputs[0])];
    }
    return tensors;
}

}  // namespace calotype::quantize
