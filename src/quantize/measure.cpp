// The error of each layer: the whole network run on codes, beside FP32.

#include "quantize/codes.hpp"
#include "quantize/energy.hpp"
#include "quantize/integer_layer.hpp"
#include "quantize/requantize_layers.hpp"

namespace calotype::quantize {
namespace {

Energy compare(std::span<const int8_t> codes, std::span<const float> exact, const npu::CodeTensor& tensor) {
    const int64_t channels = npu::channels_of(tensor.shape);
    const npu::Quantization& quantization = tensor.quantization;
    Energy energy;
    for (size_t i = 0; i < codes.size(); ++i) {
        const int64_t c = static_cast<int64_t>(i) % channels;
        const double x = (codes[i] - quantization.zero_point_of(c)) * static_cast<double>(quantization.scale_of(c));
        energy.include(exact[i], x);
    }
    return energy;
}

/// The network at one size.
struct Sized {
    std::vector<npu::FloatTensor> tensors;
    std::vector<Dims> shapes;
    std::vector<std::unique_ptr<emulate::PreparedLayer>> layers;
};

Sized sized(const npu::FloatNetwork& from, const npu::Network& network, const InputDims& dims) {
    Sized size{{}, shapes_at(network, dims), {}};
    size.tensors = with_shapes(tensors_of(from, network), size.shapes);
    for (size_t i = 0; i < network.layers.size(); ++i)
        size.layers.push_back(emulate::prepare(network, i, size.shapes, emulate::KernelSet::automatic));
    return size;
}

}  // namespace

bool made_from(const npu::FloatNetwork& from, const npu::Network& network) {
    size_t next = 0;
    for (const npu::Layer& layer : network.layers) {
        if (static_cast<size_t>(layer.output) >= from.tensors.size()) continue;  // a Requantize layer that was added
        if (next == from.layers.size() || from.layers[next++].name != layer.name) return false;
    }
    return next == from.layers.size();
}

std::vector<LayerError> measure(const npu::FloatNetwork& from, const npu::Network& network,
                                const Calibration& calibration, ThreadPool& pool) {
    PerSize<Sized> sizes([&](const InputDims& dims) { return sized(from, network, dims); });
    const auto work = [&](int64_t sample) {
        const auto exact = calibration.exact(sample), read = calibration.read(sample);
        const auto size = sizes.at(input_dims(from, read));
        const auto reals = [&](const std::map<std::string, Tensor>& by_name, npu::TensorId tensor) {
            return reals_of(size->tensors[index_of(tensor)], by_name);
        };
        std::vector<std::vector<int8_t>> codes(size->tensors.size());
        for (size_t t = 0; t < codes.size(); ++t) codes[t] = network.tensors[t].constant;
        for (const npu::Placement& input : from.inputs) {
            codes[index_of(input.tensor)] =
                input_codes(read.at(input.value), input, size->tensors[index_of(input.tensor)],
                            network.tensors[index_of(input.tensor)].quantization);
        }
        std::vector<Energy> one;
        for (size_t i = 0; i < network.layers.size(); ++i) {
            const npu::Layer& layer = network.layers[i];
            std::vector<std::vector<int8_t>> inputs;
            for (const npu::TensorId input : layer.inputs) inputs.push_back(codes[index_of(input)]);
            codes[index_of(layer.output)] = run_layer(*size->layers[i], inputs, size->shapes, layer, calibration.batch);
            one.push_back(compare(codes[index_of(layer.output)], reals(exact, layer.output),
                                  network.tensors[index_of(layer.output)]));
        }
        return one;
    };
    std::vector<Energy> total(network.layers.size());
    in_order<std::vector<Energy>>(calibration.samples, samples_at_once(from, pool.threads()), pool, work,
                                  [&](int64_t, std::vector<Energy>&& one) {
                                      for (size_t i = 0; i < total.size(); ++i) total[i].add(one[i]);
                                  });
    std::vector<LayerError> errors;
    for (size_t i = 0; i < total.size(); ++i) {
        errors.push_back(
            {network.layers[i].name, total[i].decibels(), table_error(network.layers[i], network.tensors)});
    }
    return errors;
}

}  // namespace calotype::quantize
