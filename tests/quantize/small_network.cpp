#include "quantize/small_network.hpp"

#include <numeric>
#include <random>

#include "partition/float_network.hpp"

namespace calotype::tests {
namespace {

npu::Placement placement(const npu::FloatNetwork& network, npu::TensorId tensor) {
    const npu::FloatTensor& held = network.tensors[static_cast<size_t>(tensor)];
    Dims dims{1};
    dims.insert(dims.end(), held.shape.begin(), held.shape.end());
    return {tensor, held.value, dims, held.split, held.axes};
}

npu::TensorId add_tensor(npu::FloatNetwork& network, const std::string& value, const Dims& shape) {
    std::vector<int64_t> axes(shape.size());
    std::iota(axes.begin(), axes.end(), 0);
    network.tensors.push_back({value, shape, shape, axes});
    return static_cast<npu::TensorId>(network.tensors.size() - 1);
}

}  // namespace

npu::TensorId SmallNetwork::input(const std::string& value, const Dims& shape) {
    const npu::TensorId tensor = add_tensor(network, value, shape);
    network.inputs.push_back(placement(network, tensor));
    return tensor;
}

npu::TensorId SmallNetwork::layer(const std::string& name, npu::Attributes attributes,
                                  const std::vector<npu::TensorId>& inputs, const Dims& shape) {
    npu::FloatLayer layer;
    layer.name = layer.sum_value = name;
    layer.attributes = std::move(attributes);
    layer.inputs = inputs;
    layer.output = add_tensor(network, name, shape);
    network.layers.push_back(layer);
    return layer.output;
}

npu::TensorId SmallNetwork::conv(const std::string& name, npu::TensorId input, const std::vector<float>& gains,
                                 const npu::Activation& activation) {
    const auto in = shape(input).back(), out = static_cast<int64_t>(gains.size());
    Dims made = shape(input);
    made.back() = out;
    const npu::TensorId output = layer(name, npu::Conv{in, out, 1, {}}, {input}, made);
    npu::FloatLayer& made_layer = network.layers.back();
    made_layer.activation = activation;
    std::mt19937 random(static_cast<uint32_t>(network.layers.size()));
    for (const float gain : gains) {
        for (int64_t c = 0; c < in; ++c)
            made_layer.weights.push_back(gain * (static_cast<float>(random() % 2001) / 1000.0F - 1.0F));
        made_layer.bias.push_back(0);
    }
    return output;
}

void SmallNetwork::output(npu::TensorId tensor) { network.outputs.push_back(placement(network, tensor)); }

quantize::Calibration SmallNetwork::calibration(int64_t samples, bool bytes) const {
    npu::FloatNetwork all = network;  // every value an output
    for (const npu::FloatLayer& layer : all.layers) all.outputs.push_back(placement(network, layer.output));
    const quantize::Values values = [all, bytes](int64_t sample) {
        std::mt19937 random(static_cast<uint32_t>(100 + sample));
        std::map<std::string, Tensor> inputs;
        for (const npu::Placement& input : all.inputs) {
            std::vector<float> x(static_cast<size_t>(element_count(input.dims)));
            for (float& one : x)
                one =
                    bytes ? static_cast<float>(random() % 256) : static_cast<float>(random() % 20001) / 10000.0F - 1.0F;
            inputs.emplace(input.value, Tensor::of<float>(input.dims, x));
        }
        auto by_name = sketch::run(all, inputs);
        by_name.insert(inputs.begin(), inputs.end());
        return by_name;
    };
    return {values, values, samples, 1};
}

quantize::Result SmallNetwork::quantize(const std::set<std::string>& without, bool bytes) const {
    ThreadPool pool(1);
    return quantize::quantize(network, calibration(8, bytes), {without, {}}, pool);
}

}  // namespace calotype::tests
