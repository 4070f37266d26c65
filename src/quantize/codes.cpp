#include "quantize/codes.hpp"

#include <algorithm>
#include <mutex>

#include "execute/boundary_loops.hpp"
#include "npu/fixed_point.hpp"

namespace calotype::quantize {
namespace {

/// Codes between which a layer's output is not clamped, by channel.
struct Clamp {
    std::vector<int32_t> lo, hi;
};
Clamp clamp_of(const npu::Layer& layer, size_t channels) {
    Clamp clamp{std::vector<int32_t>(channels, -128), std::vector<int32_t>(channels, 127)};
    const auto* stage = std::get_if<npu::Requantization>(&layer.stage);
    for (size_t c = 0; stage != nullptr && c < channels; ++c) {
        clamp.lo[c] = stage->lo[stage->lo.size() > 1 ? c : 0];
        clamp.hi[c] = stage->hi[stage->hi.size() > 1 ? c : 0];
    }
    return clamp;
}

CodeMeans means_of(std::span<const int8_t> codes, const Clamp& clamp) {
    const size_t channels = clamp.lo.size();
    CodeMeans means{std::vector<int64_t>(channels), std::vector<int64_t>(channels),
                    static_cast<int64_t>(codes.size() / channels)};
    for (size_t i = 0; i < codes.size(); i += channels) {
        for (size_t c = 0; c < channels; ++c) {
            means.sum[c] += codes[i + c];
            means.live[c] += codes[i + c] > clamp.lo[c] && codes[i + c] < clamp.hi[c] ? 1 : 0;
        }
    }
    return means;
}

}  // namespace

std::vector<int8_t> to_codes(std::span<const float> x, const npu::Quantization& quantization) {
    std::vector<int8_t> codes(x.size());
    const size_t channels = quantization.scale.size();
    if (channels == 1) {
        const int32_t zero = quantization.zero_point[0];
        const auto lo = static_cast<float>(-128 - zero), hi = static_cast<float>(127 - zero);
        const execute::OneScale scale{npu::coefficient_of(quantization.scale[0]), lo, hi, zero, {}};
        execute::reals_to_codes(x.data(), codes.data(), static_cast<int64_t>(x.size()), scale);
        return codes;
    }
    for (size_t c = 0; c < channels; ++c) {
        const int32_t zero = quantization.zero_point[c];
        const float coefficient = npu::coefficient_of(quantization.scale[c]);
        const auto lo = static_cast<float>(-128 - zero), hi = static_cast<float>(127 - zero);
        for (size_t i = c; i < x.size(); i += channels) codes[i] = execute::code_of(x[i], coefficient, lo, hi, zero);
    }
    return codes;
}

std::vector<int8_t> input_codes(const Tensor& value, const npu::Placement& input, const npu::FloatTensor& tensor,
                                const npu::Quantization& scale) {
    const std::vector<float> numbers = in_tensor_order(value, tensor);
    if (input.type == DataType::float32) return to_codes(numbers, scale);
    const float shift = input.type == DataType::uint8 ? 128 : 0;
    std::vector<int8_t> codes(numbers.size());
    std::ranges::transform(numbers, codes.begin(), [=](float q) { return static_cast<int8_t>(q - shift); });
    return codes;
}

std::vector<int8_t> run_layer(const emulate::PreparedLayer& prepared, const std::vector<std::vector<int8_t>>& inputs,
                              const std::vector<Dims>& shapes, const npu::Layer& layer, int64_t batch) {
    const auto bytes = [&](npu::TensorId tensor) { return element_count(shapes[index_of(tensor)]); };
    emulate::Arena scratch;
    const int64_t out_bytes = bytes(layer.output);
    std::vector<int8_t> output(static_cast<size_t>(out_bytes * batch));
    for (int64_t b = 0; b < batch; ++b) {
        std::vector<const int8_t*> from;
        for (size_t i = 0; i < inputs.size(); ++i) {
            const int64_t sample = b * bytes(layer.inputs[i]);
            from.push_back(inputs[i].data() + sample % static_cast<int64_t>(inputs[i].size()));
        }
        prepared.run(from, output.data() + b * out_bytes, scratch.take(prepared.scratch_bytes()), nullptr);
    }
    return output;
}

CalibrationCodes::CalibrationCodes(const npu::FloatNetwork& from, const npu::Network& network, int64_t samples,
                                   int64_t batch, ThreadPool& pool)
    : from_(from),
      network_(network),
      samples_(samples),
      batch_(batch),
      pool_(pool),
      store_(from.tensors.size(), samples),
      dims_(static_cast<size_t>(samples)),
      shapes_([&from](const InputDims& dims) { return shapes_at(from, dims); }),
      last_read_(from.tensors.size()) {
    for (size_t i = 0; i < from.layers.size(); ++i) {
        for (const npu::TensorId input : from.layers[i].inputs) last_read_[index_of(input)] = i;
    }
}

void CalibrationCodes::put_inputs(const Values& values) {
    pool_.for_each(samples_, [&](int64_t sample, int) {
        const auto by_name = values(sample);
        const InputDims dims = input_dims(from_, by_name);
        const auto tensors = tensors_at(from_, dims);
        for (const npu::Placement& input : from_.inputs) {
            store_.put(input.tensor, sample,
                       input_codes(by_name.at(input.value), input, tensors[index_of(input.tensor)],
                                   network_.tensors[index_of(input.tensor)].quantization));
        }
        dims_[static_cast<size_t>(sample)] = dims;
    });
}

InputMoments CalibrationCodes::moments(size_t index, bool with_gram) {
    const npu::Layer& layer = network_.layers[index];
    const npu::CodeTensor& input = network_.tensors[index_of(layer.inputs[0])];
    InputMoments all = make_moments(layer.attributes, with_gram);
    std::mutex guard;
    pool_.for_each(samples_, [&](int64_t sample, int) {
        const auto shapes = shapes_.at(dims_[static_cast<size_t>(sample)]);
        const Dims &in = (*shapes)[index_of(layer.inputs[0])], &out = (*shapes)[index_of(layer.output)];
        const auto size = static_cast<size_t>(element_count(in));
        InputMoments one = make_moments(layer.attributes, with_gram);
        const auto codes = store_.get(layer.inputs[0], sample);
        for (size_t first = 0; first < codes.size(); first += size)
            accumulate(one, layer.attributes, in, out, input.quantization, std::span(codes).subspan(first, size));
        const std::lock_guard lock(guard);
        all.add(one);
    });
    return all;
}

CodeMeans CalibrationCodes::run(size_t index) {
    const npu::Layer& layer = network_.layers[index];
    PerSize<std::unique_ptr<emulate::PreparedLayer>> prepared([&](const InputDims& dims) {
        return emulate::prepare(network_, index, *shapes_.at(dims), emulate::KernelSet::automatic);
    });
    const npu::CodeTensor& output = network_.tensors[index_of(layer.output)];
    const auto channels = static_cast<size_t>(npu::channels_of(output.shape));
    const Clamp clamp = clamp_of(layer, channels);
    CodeMeans all{std::vector<int64_t>(channels), std::vector<int64_t>(channels), 0};
    std::mutex guard;
    pool_.for_each(samples_, [&](int64_t sample, int) {
        std::vector<std::vector<int8_t>> inputs;
        for (const npu::TensorId input : layer.inputs) {
            const std::vector<int8_t>& constant = network_.tensors[index_of(input)].constant;
            inputs.push_back(constant.empty() ? store_.get(input, sample) : constant);
        }
        const InputDims& dims = dims_[static_cast<size_t>(sample)];
        const auto codes = run_layer(**prepared.at(dims), inputs, *shapes_.at(dims), layer, batch_);
        store_.put(layer.output, sample, codes);
        const CodeMeans one = means_of(codes, clamp);
        const std::lock_guard lock(guard);
        all.count += one.count;
        for (size_t c = 0; c < channels; ++c) {
            all.sum[c] += one.sum[c];
            all.live[c] += one.live[c];
        }
    });
    return all;
}

void CalibrationCodes::drop_read(size_t index) {
    for (const npu::TensorId input : network_.layers[index].inputs) {
        if (last_read_[index_of(input)] == index) store_.drop(input);
    }
}

}  // namespace calotype::quantize
