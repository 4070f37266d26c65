#include "quantize/sizes.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "execute/resize.hpp"

namespace calotype::quantize {
namespace {

[[noreturn]] void refuse(const std::string& value, const std::string& cause) {
    throw Error({"SAMPLE_SHAPE", fmt::format("value `{}`", value),
                 fmt::format("a sample of another size than the first's cannot be used: {}", cause),
                 "give samples of one size"});
}

template <class Network>
std::vector<Dims> shapes_of_any(const Network& network, const InputDims& dims) {
    std::vector<Dims> shapes;
    for (const auto& tensor : network.tensors) shapes.push_back(tensor.shape);
    for (size_t i = 0; i < network.inputs.size(); ++i) {
        const npu::Placement& input = network.inputs[i];
        Dims& shape = shapes[index_of(input.tensor)];
        if (execute::holds(input, dims[i])) continue;
        const auto end = execute::resized_to_dims({input, shape}, dims[i]);
        if (!end)
            refuse(input.value,
                   fmt::format("it is {} instead of {}, and the order of its axes on the NPU holds the size",
                               to_string(dims[i]), to_string(input.dims)));
        shape = end->shape;
    }
    for (const auto& layer : network.layers) {
        std::vector<Dims> inputs;
        for (const npu::TensorId source : npu::sources_of_shape(layer.attributes, layer.inputs))
            inputs.push_back(shapes[index_of(source)]);
        Dims& output = shapes[index_of(layer.output)];
        try {
            output = npu::output_shape(layer.attributes, inputs, output);
        } catch (const Error& error) {
            refuse(network.tensors[index_of(layer.output)].value,
                   fmt::format("layer `{}`: {}", layer.name, error.text().fact));
        }
    }
    return shapes;
}

}  // namespace

InputDims input_dims(const npu::FloatNetwork& network, const std::map<std::string, Tensor>& values) {
    InputDims dims;
    for (const npu::Placement& input : network.inputs) dims.push_back(values.at(input.value).dims());
    return dims;
}

std::vector<Dims> shapes_at(const npu::FloatNetwork& network, const InputDims& dims) {
    return shapes_of_any(network, dims);
}
std::vector<Dims> shapes_at(const npu::Network& network, const InputDims& dims) { return shapes_of_any(network, dims); }

std::vector<npu::FloatTensor> with_shapes(std::vector<npu::FloatTensor> tensors, const std::vector<Dims>& shapes) {
    for (size_t t = 0; t < tensors.size(); ++t) {
        npu::FloatTensor& tensor = tensors[t];
        if (shapes[t] == tensor.shape) continue;
        npu::Placement placement{static_cast<npu::TensorId>(t), tensor.value, {1}, tensor.split, tensor.axes};
        placement.dims.insert(placement.dims.end(), tensor.split.begin(), tensor.split.end());
        const auto end = execute::resized_to_shape({placement, tensor.shape}, shapes[t]);
        if (!end) refuse(tensor.value, "the order of its axes on the NPU holds the size");
        tensor.shape = shapes[t];
        tensor.split = end->placement.split;
    }
    return tensors;
}

std::vector<npu::FloatTensor> tensors_at(const npu::FloatNetwork& network, const InputDims& dims) {
    return with_shapes(network.tensors, shapes_at(network, dims));
}

}  // namespace calotype::quantize
