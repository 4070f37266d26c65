#include "view/shown.hpp"

namespace calotype::view {
namespace {

ValueId linear(Builder& builder, const std::string& op, const std::string& name, ValueId x,
               const npu::Quantization& q) {
    const std::vector<int8_t> zero_points(q.zero_point.begin(), q.zero_point.end());
    const Dims dims = q.per_channel() ? Dims{static_cast<int64_t>(q.scale.size())} : Dims{};
    std::map<std::string, graph::Attribute> axis;
    if (q.per_channel()) axis["axis"] = int64_t{1};
    return builder.node(op, name + "/" + op,
                        {x, builder.shared(name + "/scale", Tensor::of<float>(dims, q.scale)),
                         builder.shared(name + "/zero_point", Tensor::of<int8_t>(dims, zero_points))},
                        std::move(axis));
}

}  // namespace

ValueId add_quantize_linear(Builder& builder, const std::string& name, ValueId x, const npu::Quantization& q) {
    return linear(builder, "QuantizeLinear", name, x, q);
}
ValueId add_dequantize_linear(Builder& builder, const std::string& name, ValueId codes, const npu::Quantization& q) {
    return linear(builder, "DequantizeLinear", name, codes, q);
}

ValueId moved(Builder& builder, const std::string& name, const Shown& tensor, const npu::Quantization& q,
              const std::function<ValueId(ValueId)>& move) {
    if (q.per_channel()) return move(tensor.reals);  // the optimizer leaves those alone
    const ValueId codes = move(tensor.codes);
    return codes == tensor.codes ? tensor.reals : add_dequantize_linear(builder, name, codes, q);
}

}  // namespace calotype::view
