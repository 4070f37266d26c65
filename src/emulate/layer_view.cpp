#include "emulate/layer_view.hpp"

#include "base/error.hpp"
#include "npu/arithmetic.hpp"

namespace calotype::emulate {

LayerView view_layer(const npu::Network& network, size_t index, const std::vector<Dims>& shapes) {
    const npu::Layer& layer = network.layers.at(index);
    CALOTYPE_ASSERT(layer.precision == npu::Precision::int8, "these kernels run INT8 layers");
    LayerView view;
    view.layer = &layer;
    view.stage = layer.stage;
    for (const npu::TensorId id : layer.inputs) {
        const auto i = static_cast<size_t>(id);
        view.in.push_back(npu::as_map(shapes.at(i)));
        view.in_shapes.push_back(shapes.at(i));
        view.in_quantization.push_back(&network.tensors.at(i).quantization);
    }
    const auto out = static_cast<size_t>(layer.output);
    view.out = npu::as_map(shapes.at(out));
    view.out_shape = shapes.at(out);
    view.out_quantization = &network.tensors.at(out).quantization;
    const auto* pool = std::get_if<npu::Pool>(&layer.attributes);
    if (pool != nullptr && pool->global && pool->kind == npu::PoolKind::average)
        view.stage = npu::global_average_stage(layer, view.in[0].pixels());
    return view;
}

}  // namespace calotype::emulate
