#include "view/shown.hpp"

namespace calotype::view {
namespace {

template <class Code>
Tensor zero_points(const Dims& dims, const npu::Quantization& q, int32_t shift) {
    std::vector<Code> codes;
    for (const int32_t zero_point : q.zero_point) codes.push_back(static_cast<Code>(zero_point + shift));
    return Tensor::of<Code>(dims, codes);
}

ValueId linear(Builder& builder, const std::string& op, const std::string& name, ValueId x, const npu::Quantization& q,
               DataType codes) {
    const Dims dims = q.per_channel() ? Dims{static_cast<int64_t>(q.scale.size())} : Dims{};
    std::map<std::string, graph::Attribute> axis;
    if (q.per_channel()) axis["axis"] = int64_t{1};
    return builder.node(
        op, name + "/" + op,
        {x, builder.shared(name + "/scale", Tensor::of<float>(dims, q.scale)),
         builder.shared(name + "/zero_point", codes == DataType::uint8 ? zero_points<uint8_t>(dims, q, 128)
                                                                       : zero_points<int8_t>(dims, q, 0))},
        std::move(axis));
}

}  // namespace

ValueId add_quantize_linear(Builder& builder, const std::string& name, ValueId x, const npu::Quantization& q,
                            DataType codes) {
    return linear(builder, "QuantizeLinear", name, x, q, codes);
}
ValueId add_dequantize_linear(Builder& builder, const std::string& name, ValueId codes, const npu::Quantization& q,
                              DataType type) {
    return linear(builder, "DequantizeLinear", name, codes, q, type);
}

ValueId moved(Builder& builder, const std::string& name, const Shown& tensor, const npu::Quantization& q,
              const std::function<ValueId(ValueId)>& move) {
    if (q.per_channel()) return move(tensor.reals);  // the optimizer leaves those alone
    const ValueId codes = move(tensor.codes);
    return codes == tensor.codes ? tensor.reals : add_dequantize_linear(builder, name, codes, q);
}

}  // namespace calotype::view
