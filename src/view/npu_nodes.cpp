#include "view/npu_nodes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "view/layer_nodes.hpp"
#include "view/rounding.hpp"

namespace calotype::view {
namespace {

/// Tensors as codes and as reals.
class NpuView {
  public:
    NpuView(Builder builder, const NpuPart& part) : builder_(builder), part_(part), network_(*part.network) {}

    void add(Known& known, const Deadline& deadline) {
        for (const auto& placement : network_.inputs) {
            ValueId x = known.at(placement.value);
            if (placement.type != DataType::float32)  // codes
                x = add_dequantize_linear(builder_, placement.value + "/reals", x,
                                          tensor(placement.tensor).quantization, placement.type);
            quantize(placement.tensor,
                     add_quantization(builder_, placement.value, tensor(placement.tensor), read(placement, x)),
                     placement.value);
        }
        for (size_t t = 0; t < network_.tensors.size(); ++t)
            if (!network_.tensors[t].constant.empty())
                constant(static_cast<npu::TensorId>(t), known.at(network_.inputs[0].value));
        for (size_t i = 0; i < network_.layers.size(); ++i) {
            deadline.check();
            layer(i);
        }
        for (const auto& placement : network_.outputs) {
            const ValueId x = write(placement);
            known[placement.value] = placement.type == DataType::float32
                                         ? x
                                         : add_quantize_linear(builder_, placement.value + "/codes", x,
                                                               tensor(placement.tensor).quantization, placement.type);
        }
    }

  private:
    const npu::CodeTensor& tensor(npu::TensorId id) const { return network_.tensors.at(static_cast<size_t>(id)); }

    /// Add and Mul read one sample's codes for all; other layers want the batch, which `input` has.
    void constant(npu::TensorId id, ValueId input) {
        const npu::CodeTensor& held = tensor(id);
        Dims dims{1, npu::channels_of(held.shape)};
        if (!held.shape.empty()) dims.insert(dims.end(), held.shape.begin(), held.shape.end() - 1);
        const auto channels = static_cast<size_t>(dims[1]), pixels = held.constant.size() / channels;
        std::vector<int8_t> codes(held.constant.size());
        for (size_t p = 0; p < pixels; ++p)
            for (size_t c = 0; c < channels; ++c) codes[c * pixels + p] = held.constant[p * channels + c];
        ValueId x = builder_.constant(held.value + "/constant", Tensor::of<int8_t>(dims, codes));
        if (!read_by_sums_and_products(id)) {
            const ValueId batch = builder_.node("Shape", held.value + "/batch", {input}, {{"end", int64_t{1}}});
            const ValueId rest = builder_.ints(held.value + "/dims", {dims.begin() + 1, dims.end()});
            const ValueId whole = builder_.node("Concat", held.value + "/shape", {batch, rest}, {{"axis", int64_t{0}}});
            x = builder_.node("Expand", held.value + "/expanded", {x, whole});
        }
        define(id, x, held.value);
    }
    bool read_by_sums_and_products(npu::TensorId id) const {
        return std::ranges::all_of(network_.layers, [&](const npu::Layer& layer) {
            return std::ranges::find(layer.inputs, id) == layer.inputs.end() ||
                   std::holds_alternative<npu::Add>(layer.attributes) ||
                   std::holds_alternative<npu::Mul>(layer.attributes);
        });
    }

    void layer(size_t index) {
        const npu::Layer& shown = network_.layers[index];
        std::vector<Shown> inputs;
        for (const npu::TensorId input : shown.inputs) inputs.push_back(tensors_.at(input));
        if (std::holds_alternative<npu::Reshape>(shown.attributes))
            define(shown.output, add_reshape(builder_, network_, shown, inputs[0].codes), shown.name);
        else
            quantize(shown.output, sum(shown, inputs), shown.name);
        std::string fact = fmt::format("{}, {}", npu::kind_name(shown.attributes),
                                       shown.precision == npu::Precision::int8 ? "INT8" : "BF16");
        if (part_.program) {
            for (const npu::Step& step : part_.program->steps)
                if (step.layer == static_cast<int32_t>(index)) fact += fmt::format(", {} cycles", step.cycles);
        }
        builder_.graph().metadata[builder_.prefix() + shown.name] = fact;
    }

    /// What the output's QuantizeLinear reads.
    ValueId sum(const npu::Layer& shown, const std::vector<Shown>& inputs) {
        ValueId y = std::holds_alternative<npu::AddArithmetic>(shown.stage)
                        ? add_sum(builder_, network_, shown, inputs)
                        : add_rounding(builder_, network_, shown, add_layer(builder_, network_, shown, inputs));
        if (shown.activation.kind == npu::ActivationKind::clamp) y = clamp(shown.name, y, shown.activation);
        return y;
    }
    ValueId clamp(const std::string& name, ValueId x, const npu::Activation& activation) {
        const auto bound = [&](const char* suffix, float value) {
            return std::isfinite(value) ? builder_.floats(name + suffix, {}, {value}) : ValueId::none;
        };
        if (activation.lo == 0 && std::isinf(activation.hi)) return builder_.node("Relu", name + "/Relu", {x});
        const ValueId lo = bound("/lo", activation.lo), hi = bound("/hi", activation.hi);
        if (lo == ValueId::none && hi == ValueId::none) return x;
        std::vector<ValueId> inputs{x, lo};
        if (hi != ValueId::none) inputs.push_back(hi);
        return builder_.node("Clip", name + "/Clip", std::move(inputs));
    }

    void quantize(npu::TensorId id, ValueId y, const std::string& name) {
        define(id, add_quantize_linear(builder_, name, y, tensor(id).quantization), name);
    }
    /// The tensor is there: its codes, and for its readers its reals.
    void define(npu::TensorId id, ValueId codes, const std::string& name) {
        tensors_[id] = {codes, add_dequantize_linear(builder_, name, codes, tensor(id).quantization)};
        builder_.graph().metadata[fmt::format("{}codes/{}", builder_.prefix(), static_cast<int32_t>(id))] =
            builder_.graph().value(codes).name;
    }

    /// A graph value as the tensor it becomes, [N, C, ...].
    ValueId read(const npu::Placement& placement, ValueId x) {
        const std::string name = placement.value + "/in";
        if (builder_.graph().value(x).type.value_or(DataType::float32) != DataType::float32)
            x = builder_.node("Cast", name + "/cast", {x}, {{"to", int64_t{1}}});
        const Dims& shape = tensor(placement.tensor).shape;
        if (keeps_axes(placement, shape)) return x;
        if (rest(placement.dims) != placement.split) x = builder_.reshape(name + "/split", x, placement.split);
        x = builder_.transpose(name + "/memory_order", x, with_batch(placement.axes));
        x = builder_.reshape(name + "/shape", x, shape);
        return channels_first(builder_, name + "/channels_first", x, shape.size());
    }

    /// The inverse: a tensor as the graph value it holds.
    ValueId write(const npu::Placement& placement) {
        const std::string name = placement.value + "/out";
        const Dims& shape = tensor(placement.tensor).shape;
        const Shown& held = tensors_.at(placement.tensor);
        if (keeps_axes(placement, shape)) return held.reals;
        Dims ordered;
        std::vector<int64_t> back(placement.axes.size());
        for (size_t i = 0; i < placement.axes.size(); ++i) {
            ordered.push_back(placement.split[static_cast<size_t>(placement.axes[i])]);
            back[static_cast<size_t>(placement.axes[i])] = static_cast<int64_t>(i);
        }
        const auto as_value = [&](ValueId x) {
            x = channels_last(builder_, name + "/memory_order", x, shape.size());
            x = builder_.reshape(name + "/split", x, ordered);
            x = builder_.transpose(name + "/axes", x, with_batch(back));
            return builder_.reshape(name + "/dims", x, rest(placement.dims));
        };
        return moved(builder_, name, held, tensor(placement.tensor).quantization, as_value);
    }

    /// The value's own axes are the view's: [N, C, ...] there and here.
    static bool keeps_axes(const npu::Placement& placement, const Dims& shape) {
        if (rest(placement.dims) != placement.split || placement.split.size() != shape.size()) return false;
        for (size_t i = 0; i < shape.size(); ++i) {
            const size_t expected = i + 1 == shape.size() ? 0 : i + 1;
            if (placement.axes[i] != static_cast<int64_t>(expected)) return false;
        }
        return true;
    }
    static Dims rest(const Dims& dims) { return {dims.begin() + (dims.empty() ? 0 : 1), dims.end()}; }
    static std::vector<int64_t> with_batch(const std::vector<int64_t>& axes) {
        std::vector<int64_t> all{0};
        for (const int64_t axis : axes) all.push_back(axis + 1);
        return all;
    }

    Builder builder_;
    const NpuPart& part_;
    const npu::Network& network_;
    std::map<npu::TensorId, Shown> tensors_;
};

}  // namespace

void add_npu(const Builder& builder, const NpuPart& part, Known& known, const Deadline& deadline) {
    NpuView(builder, part).add(known, deadline);
}

}  // namespace calotype::view
