#include "quantize/quantize.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>

#include "base/error.hpp"
#include "emulate/executor.hpp"
#include "quantize/code_store.hpp"
#include "quantize/integer_layer.hpp"
#include "quantize/rounding.hpp"
#include "quantize/scales.hpp"

namespace calotype::quantize {
namespace {

constexpr double kLeastLiveShare = 0.25;  // quantization-facts.md, Bias correction

size_t at(npu::TensorId id) { return static_cast<size_t>(id); }

std::vector<int8_t> to_codes(std::span<const float> x, const npu::Quantization& quantization) {
    const float coefficient = static_cast<float>(1.0 / quantization.scale[0]);
    const int32_t zero = quantization.zero_point[0];
    std::vector<int8_t> codes(x.size());
    for (size_t i = 0; i < x.size(); ++i) {
        const float clamped = std::clamp(x[i] * coefficient, static_cast<float>(-128 - zero), static_cast<float>(127 - zero));
        codes[i] = static_cast<int8_t>(static_cast<int32_t>(std::nearbyint(clamped)) + zero);
    }
    return codes;
}

/// Runs one prepared layer over as many samples as the codes hold.
std::vector<int8_t> run_layer(const emulate::PreparedLayer& prepared, std::vector<std::vector<int8_t>> inputs,
                              const std::vector<int64_t>& bytes, const npu::Layer& layer, int64_t batch) {
    emulate::Arena scratch;
    const int64_t out_bytes = bytes[at(layer.output)];
    std::vector<int8_t> output(static_cast<size_t>(out_bytes * batch));
    for (int64_t b = 0; b < batch; ++b) {
        std::vector<const int8_t*> from;
        for (size_t i = 0; i < inputs.size(); ++i) from.push_back(inputs[i].data() + b * bytes[at(layer.inputs[i])]);
        prepared.run(from, output.data() + b * out_bytes, scratch.take(prepared.scratch_bytes()), nullptr);
    }
    return output;
}

/// The fast mode's walk over the layers.
class Walk {
  public:
    Walk(const npu::FloatNetwork& from, const Statistics& statistics, const Scales& scales, int64_t samples, int64_t batch,
         const Options& options, ThreadPool& pool)
        : from_(from), statistics_(statistics), samples_(samples), batch_(batch), options_(options), pool_(pool),
          bytes_(sizes(from)), store_(times(bytes_, batch), samples) {
        for (size_t t = 0; t < from.tensors.size(); ++t) {
            network.tensors.push_back({from.tensors[t].value, from.tensors[t].shape, scales.tensors[t], npu::Precision::int8});
            shapes_.push_back(from.tensors[t].shape);
        }
        network.inputs = from.inputs;
        network.outputs = from.outputs;
        network.layers.reserve(from.layers.size());
        last_read_.assign(from.tensors.size(), 0);
        for (size_t i = 0; i < from.layers.size(); ++i) {
            for (const npu::TensorId input : from.layers[i].inputs) last_read_[at(input)] = i;
        }
    }

    npu::Network network;

    void put_inputs(const Values& values) {
        pool_.for_each(samples_, [&](int64_t sample, int) {
            const auto by_name = values(sample);
            for (const npu::Placement& input : from_.inputs) {
                const auto x = in_tensor_order(by_name.at(input.value), from_.tensors[at(input.tensor)]);
                store_.put(input.tensor, sample, to_codes(x, network.tensors[at(input.tensor)].quantization));
            }
        });
    }

    void add_layer(size_t index) {
        const npu::FloatLayer& layer = from_.layers[index];
        network.layers.push_back(integer_layer(layer, network.tensors));
        const bool weighted = !layer.weights.empty();
        if (weighted) refine(index);
        const auto means = run(index);
        if (weighted && on("post-bias-correction")) {
            correct_after_activation(index, means);
            run(index);
        }
        for (const npu::TensorId input : layer.inputs) {
            if (last_read_[at(input)] == index) store_.drop(input);
        }
    }

  private:
    struct Means {
        std::vector<int64_t> sum;   // of codes, by channel
        std::vector<int64_t> live;  // codes strictly between the clamps
        int64_t count = 0;          // by channel
    };

    static std::vector<int64_t> sizes(const npu::FloatNetwork& network) {
        std::vector<int64_t> bytes;
        for (const npu::FloatTensor& tensor : network.tensors) bytes.push_back(element_count(tensor.shape));
        return bytes;
    }
    static std::vector<int64_t> times(std::vector<int64_t> bytes, int64_t batch) {
        for (int64_t& one : bytes) one *= batch;
        return bytes;
    }
    bool on(const char* ingredient) const { return !options_.without.contains(ingredient); }

    /// Rounds the weights against what the layer reads, then makes the mean before the activation FP32's.
    void refine(size_t index) {
        npu::Layer& layer = network.layers[index];
        if (!on("gram-rounding") && !on("bias-correction")) return;
        const npu::CodeTensor& input = network.tensors[at(layer.inputs[0])];
        InputMoments all = make_moments(layer.attributes, on("gram-rounding"));
        std::mutex guard;
        pool_.for_each(samples_, [&](int64_t sample, int) {
            InputMoments one = make_moments(layer.attributes, on("gram-rounding"));
            const auto codes = store_.get(layer.inputs[0], sample);
            const int64_t size = bytes_[at(layer.inputs[0])];
            for (int64_t b = 0; b < batch_; ++b) {
                accumulate(one, layer.attributes, input.shape, network.tensors[at(layer.output)].shape, input.quantization,
                           std::span(codes).subspan(static_cast<size_t>(b * size), static_cast<size_t>(size)));
            }
            const std::lock_guard lock(guard);  // integer sums: the order of adding changes nothing
            all.add(one);
        });
        if (!all.gram.empty()) {
            round_against_gram(all, absorbed_weights(from_.layers[index], network.tensors), layer.weight_scale, layer.weights);
        }
        if (!on("bias-correction")) return;
        const auto unit = sum_scale(layer, network.tensors);
        std::vector<double> bias(layer.bias.size());
        const auto k = static_cast<size_t>(all.k);
        const size_t per_group = bias.size() / static_cast<size_t>(all.groups);
        for (size_t o = 0; o < bias.size(); ++o) {
            double sum = 0;
            for (size_t i = 0; i < k; ++i) {
                sum += static_cast<double>(layer.weights[o * k + i]) * static_cast<double>(all.sum[o / per_group * k + i]);
            }
            const double target = statistics_.sum_mean[index][o % statistics_.sum_mean[index].size()];
            bias[o] = target - sum / static_cast<double>(all.windows) * unit[o];
        }
        set_bias(layer, network.tensors, bias);
    }

    Means run(size_t index) {
        const npu::Layer& layer = network.layers[index];
        const auto prepared = emulate::prepare(network, index, shapes_, emulate::KernelSet::automatic);
        const npu::CodeTensor& output = network.tensors[at(layer.output)];
        const size_t channels = output.shape.empty() ? 1 : static_cast<size_t>(output.shape.back());
        const auto* stage = std::get_if<npu::Requantization>(&layer.stage);
        std::vector<int32_t> lo(channels, -128), hi(channels, 127);
        for (size_t c = 0; stage != nullptr && c < channels; ++c) {
            lo[c] = stage->lo[stage->lo.size() > 1 ? c : 0];
            hi[c] = stage->hi[stage->hi.size() > 1 ? c : 0];
        }
        Means all{std::vector<int64_t>(channels), std::vector<int64_t>(channels), 0};
        std::mutex guard;
        pool_.for_each(samples_, [&](int64_t sample, int) {
            std::vector<std::vector<int8_t>> inputs;
            for (const npu::TensorId input : layer.inputs) inputs.push_back(store_.get(input, sample));
            const auto codes = run_layer(*prepared, std::move(inputs), bytes_, layer, batch_);
            store_.put(layer.output, sample, codes);
            Means one{std::vector<int64_t>(channels), std::vector<int64_t>(channels), static_cast<int64_t>(codes.size() / channels)};
            for (size_t i = 0; i < codes.size(); i += channels) {
                for (size_t c = 0; c < channels; ++c) {
                    one.sum[c] += codes[i + c];
                    one.live[c] += codes[i + c] > lo[c] && codes[i + c] < hi[c] ? 1 : 0;
                }
            }
            const std::lock_guard lock(guard);
            all.count += one.count;
            for (size_t c = 0; c < channels; ++c) {
                all.sum[c] += one.sum[c];
                all.live[c] += one.live[c];
            }
        });
        return all;
    }

    void correct_after_activation(size_t index, const Means& means) {
        npu::Layer& layer = network.layers[index];
        const npu::CodeTensor& output = network.tensors[at(layer.output)];
        const auto& target = statistics_.tensors[at(layer.output)].mean;
        const auto unit = sum_scale(layer, network.tensors);
        std::vector<double> bias(layer.bias.size());
        for (size_t o = 0; o < bias.size(); ++o) {
            const size_t c = o % target.size();
            const auto channel = static_cast<int64_t>(c);
            const double count = static_cast<double>(means.count);
            const double mean = (static_cast<double>(means.sum[c]) / count - output.quantization.zero_point_of(channel)) *
                                output.quantization.scale_of(channel);
            const double live = std::max(static_cast<double>(means.live[c]) / count, kLeastLiveShare);
            bias[o] = layer.bias[o] * unit[o] + (target[c] - mean) / live;
        }
        set_bias(layer, network.tensors, bias);
    }

    const npu::FloatNetwork& from_;
    const Statistics& statistics_;
    int64_t samples_, batch_;
    const Options& options_;
    ThreadPool& pool_;
    std::vector<int64_t> bytes_;  // of one sample of each tensor
    CodeStore store_;
    std::vector<Dims> shapes_;
    std::vector<size_t> last_read_;
};

struct Energy {
    double signal = 0, noise = 0;
};

void check_ingredients(const std::set<std::string>& without) {
    for (const std::string& name : without) {
        if (ingredients().contains(name)) continue;
        std::string all;
        for (const auto& [known, what] : ingredients()) all += (all.empty() ? "`" : ", `") + known + "`";
        throw Error({"QUANTIZE_INGREDIENT", fmt::format("--without `{}`", name), "there is no such ingredient", "one of " + all});
    }
}

}  // namespace

const std::map<std::string, std::string>& ingredients() {
    static const std::map<std::string, std::string> all = {
        {"bias-correction", "the mean of every sum before its activation is made FP32's"},
        {"channel-scales", "a scale a channel where cross-validation over the samples finds it better"},
        {"gram-rounding", "weights of layers with few inputs rounded against the inputs' Gram matrix"},
        {"headroom", "ranges wider than the samples', most at the network's end"},
        {"post-bias-correction", "the mean after the activation is made FP32's"},
    };
    return all;
}

std::vector<LayerError> measure(const npu::FloatNetwork& from, const npu::Network& network, const Values& values,
                                int64_t samples, int64_t batch, ThreadPool& pool) {
    std::vector<Dims> shapes;
    std::vector<int64_t> bytes;
    for (const npu::FloatTensor& tensor : from.tensors) {
        shapes.push_back(tensor.shape);
        bytes.push_back(element_count(tensor.shape));
    }
    std::vector<std::unique_ptr<emulate::PreparedLayer>> prepared;
    for (size_t i = 0; i < network.layers.size(); ++i) {
        prepared.push_back(emulate::prepare(network, i, shapes, emulate::KernelSet::automatic));
    }
    std::vector<Energy> total(network.layers.size());
    const auto work = [&](int64_t sample) {
        const auto by_name = values(sample);
        std::vector<std::vector<int8_t>> codes(from.tensors.size());
        for (const npu::Placement& input : from.inputs) {
            codes[at(input.tensor)] = to_codes(in_tensor_order(by_name.at(input.value), from.tensors[at(input.tensor)]),
                                               network.tensors[at(input.tensor)].quantization);
        }
        std::vector<Energy> one(network.layers.size());
        for (size_t i = 0; i < network.layers.size(); ++i) {
            const npu::Layer& layer = network.layers[i];
            std::vector<std::vector<int8_t>> inputs;
            for (const npu::TensorId input : layer.inputs) inputs.push_back(codes[at(input)]);
            auto& out = codes[at(layer.output)];
            out = run_layer(*prepared[i], std::move(inputs), bytes, layer, batch);
            const npu::CodeTensor& tensor = network.tensors[at(layer.output)];
            const auto exact = in_tensor_order(by_name.at(tensor.value), from.tensors[at(layer.output)]);
            const auto channels = tensor.shape.empty() ? 1 : tensor.shape.back();
            for (size_t e = 0; e < out.size(); ++e) {
                const int64_t c = static_cast<int64_t>(e) % channels;
                const double x = (out[e] - tensor.quantization.zero_point_of(c)) * static_cast<double>(tensor.quantization.scale_of(c));
                one[i].signal += static_cast<double>(exact[e]) * exact[e];
                one[i].noise += (x - exact[e]) * (x - exact[e]);
            }
        }
        return one;
    };
    in_order<std::vector<Energy>>(samples, pool, work, [&](int64_t, std::vector<Energy>&& one) {
        for (size_t i = 0; i < total.size(); ++i) {
            total[i].signal += one[i].signal;
            total[i].noise += one[i].noise;
        }
    });
    std::vector<LayerError> errors;
    for (size_t i = 0; i < total.size(); ++i) {
        const double snr = total[i].noise > 0 ? 10 * std::log10(std::max(total[i].signal, 1e-300) / total[i].noise) : 200.0;
        errors.push_back({network.layers[i].name, std::clamp(snr, -200.0, 200.0), table_error(network.layers[i], network.tensors)});
    }
    return errors;
}

Result quantize(const npu::FloatNetwork& from, const Values& values, int64_t samples, const Options& options, ThreadPool& pool) {
    check_ingredients(options.without);
    const auto progress = [&](double done) {
        if (options.progress) options.progress(done);
    };
    const Statistics statistics = gather(from, values, samples, pool);
    progress(0.2);
    Scales scales = choose_scales(from, statistics, values, samples, options, pool);
    settle(from, ScaleClasses(from, !options.without.contains("channel-scales")), scales);
    progress(0.4);
    const Dims& first = from.inputs.front().dims;
    const int64_t batch = first.empty() ? 1 : first.front();
    Walk walk(from, statistics, scales, samples, batch, options, pool);
    walk.put_inputs(values);
    for (size_t i = 0; i < from.layers.size(); ++i) {
        walk.add_layer(i);
        progress(0.4 + 0.5 * static_cast<double>(i + 1) / static_cast<double>(from.layers.size()));
    }
    Result result{std::move(walk.network), {}, scales.whole_numbers};
    result.errors = measure(from, result.network, values, samples, batch, pool);
    progress(1.0);
    return result;
}

}  // namespace calotype::quantize
