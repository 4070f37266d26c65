#include "quantize/statistics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "execute/permute.hpp"
#include "quantize/sizes.hpp"

namespace calotype::quantize {
namespace {

struct SampleOfTensor {
    std::vector<Range> range;
    std::vector<double> sum;
    int64_t values_per_channel = 0;
    bool whole_numbers = true;
};
struct SampleStatistics {
    std::vector<SampleOfTensor> tensors;
    std::vector<std::vector<double>> sum;  // by layer
};

std::vector<double> channel_sums(const std::vector<float>& x, size_t channels) {
    std::vector<double> sum(channels);
    for (size_t i = 0; i < x.size(); i += channels) {
        for (size_t c = 0; c < channels; ++c) sum[c] += x[i + c];
    }
    return sum;
}

SampleOfTensor of_tensor(const npu::FloatTensor& tensor, const std::vector<float>& x) {
    const auto channels = static_cast<size_t>(npu::channels_of(tensor.shape));
    SampleOfTensor out{std::vector<Range>(channels), channel_sums(x, channels),
                       static_cast<int64_t>(x.size() / channels), true};
    for (size_t i = 0; i < x.size(); i += channels) {
        for (size_t c = 0; c < channels; ++c) {
            out.range[c].include(x[i + c]);
            out.whole_numbers = out.whole_numbers && x[i + c] == std::nearbyint(x[i + c]);
        }
    }
    return out;
}

/// What was found not to be finite stays on the host, so here a run differs from the one in which that was looked at.
void check_finite(const std::string& value, std::span<const double> sums, int64_t sample) {
    if (std::ranges::all_of(sums, [](double sum) { return std::isfinite(sum); })) return;
    throw Error({"SAMPLE_NOT_FINITE", fmt::format("value `{}`", value),
                 fmt::format("sample {} gives NaN or an infinity, but gave none in an earlier run: the model draws "
                             "random numbers",
                             sample),
                 "take the random operator out of the model, or keep its values away from where they overflow"});
}

}  // namespace

std::vector<Range> TensorStatistics::ranges(int64_t left_out) const {
    std::vector<Range> all(fold.front().size());
    for (int64_t f = 0; f < kFolds; ++f) {
        if (f == left_out) continue;
        for (size_t c = 0; c < all.size(); ++c) all[c].include(fold[static_cast<size_t>(f)][c]);
    }
    return all;
}

std::vector<float> in_tensor_order(const Tensor& value, const npu::FloatTensor& tensor) {
    const std::vector<float> from = to_floats(value);
    std::vector<float> to(from.size());
    const execute::Permutation permutation(tensor.split, tensor.axes);
    const auto step = static_cast<size_t>(permutation.elements());
    for (size_t first = 0; first < from.size(); first += step) permutation.apply(&from[first], &to[first]);
    return to;
}

std::vector<float> reals_of(const npu::FloatTensor& tensor, const std::map<std::string, Tensor>& values) {
    return tensor.constant.empty() ? in_tensor_order(values.at(tensor.value), tensor) : tensor.constant;
}

int64_t samples_at_once(const npu::FloatNetwork& network, int threads) {
    constexpr int64_t kAtOnce = (int64_t{1} << 30) / static_cast<int64_t>(sizeof(float));
    const auto elems = [&](npu::TensorId tensor) { return element_count(network.tensors[index_of(tensor)].shape); };
    int64_t of_sample = 1;
    for (size_t t = 0; t < network.tensors.size(); ++t) of_sample += elems(static_cast<npu::TensorId>(t));
    for (const npu::FloatLayer& layer : network.layers)
        if (layer.sum_value != network.tensors[index_of(layer.output)].value) of_sample += elems(layer.output);
    return std::clamp<int64_t>(kAtOnce / of_sample, 1, threads);
}

Statistics gather(const npu::FloatNetwork& network, const Values& values, int64_t samples, ThreadPool& pool) {
    Statistics all;
    for (const npu::FloatTensor& tensor : network.tensors) {
        const auto channels = static_cast<size_t>(npu::channels_of(tensor.shape));
        TensorStatistics one;
        one.fold.fill(std::vector<Range>(channels));
        one.mean.resize(channels);
        all.tensors.push_back(std::move(one));
    }
    for (const npu::FloatLayer& layer : network.layers) {
        all.sum_mean.emplace_back(all.tensors[static_cast<size_t>(layer.output)].mean.size());
    }
    const auto work = [&](int64_t sample) {
        const auto by_name = values(sample);
        const auto tensors = tensors_at(network, input_dims(network, by_name));
        SampleStatistics out;
        for (const npu::FloatTensor& tensor : tensors) {
            out.tensors.push_back(of_tensor(tensor, reals_of(tensor, by_name)));
            check_finite(tensor.value, out.tensors.back().sum, sample);
        }
        for (size_t i = 0; i < network.layers.size(); ++i) {
            const npu::FloatLayer& layer = network.layers[i];
            const npu::FloatTensor& tensor = tensors[static_cast<size_t>(layer.output)];
            out.sum.push_back(
                layer.sum_value == tensor.value
                    ? out.tensors[static_cast<size_t>(layer.output)].sum
                    : channel_sums(in_tensor_order(by_name.at(layer.sum_value), tensor), all.sum_mean[i].size()));
        }
        return out;
    };
    const auto merge = [&](int64_t sample, SampleStatistics&& one) {
        for (size_t t = 0; t < all.tensors.size(); ++t) {
            TensorStatistics& to = all.tensors[t];
            auto& fold = to.fold[static_cast<size_t>(sample % kFolds)];
            for (size_t c = 0; c < to.mean.size(); ++c) {
                fold[c].include(one.tensors[t].range[c]);
                to.mean[c] += one.tensors[t].sum[c];
            }
            to.values_per_channel += one.tensors[t].values_per_channel;
            to.whole_numbers = to.whole_numbers && one.tensors[t].whole_numbers;
        }
        for (size_t i = 0; i < all.sum_mean.size(); ++i) {
            for (size_t c = 0; c < all.sum_mean[i].size(); ++c) all.sum_mean[i][c] += one.sum[i][c];
        }
    };
    in_order<SampleStatistics>(samples, samples_at_once(network, pool.threads()), pool, work, merge);
    for (size_t i = 0; i < all.sum_mean.size(); ++i) {
        const auto output = static_cast<size_t>(network.layers[i].output);
        for (double& mean : all.sum_mean[i]) mean /= static_cast<double>(all.tensors[output].values_per_channel);
    }
    for (TensorStatistics& tensor : all.tensors) {
        for (double& mean : tensor.mean) mean /= static_cast<double>(tensor.values_per_channel);
    }
    return all;
}

}  // namespace calotype::quantize
