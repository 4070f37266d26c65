#include "snapshot/network_codec.hpp"

#include "npu/activation_names.hpp"

// One `describe` a struct, used by the Writer and the Reader alike. They stand in the namespace of what they describe,
// outside any unnamed one, because the archives find them by argument-dependent lookup.
namespace calotype::npu {
namespace {

constexpr std::array kPrecisions{"int8", "bf16"};
constexpr std::array kPoolKinds{"max", "average"};
constexpr std::array kKinds{
    "Conv",     "FullyConnected", "Pool",           "Add",     "Mul",       "Concat", "Pad", "Crop",
    "Upsample", "SpaceToDepth",   "ChannelReorder", "Reshape", "Requantize"};
static_assert(kKinds.size() == std::variant_size_v<Attributes>);
constexpr std::array kStages{"none", "requantization", "piecewise_linear", "add"};
static_assert(kStages.size() == std::variant_size_v<OutputStage>);

}  // namespace

template <class A>
void describe(A& a, Axis& x) {
    a.field("kernel", x.kernel);
    a.field("stride", x.stride);
    a.field("dilation", x.dilation);
    a.field("pad_before", x.pad_before);
    a.field("pad_after", x.pad_after);
}
template <class A>
void describe(A& a, Window& x) {
    a.field("depth", x.depth);
    a.field("height", x.height);
    a.field("width", x.width);
}
template <class A>
void describe(A& a, Conv& x) {
    a.field("in_channels", x.in_channels);
    a.field("out_channels", x.out_channels);
    a.field("groups", x.groups);
    a.field("window", x.window);
}
template <class A>
void describe(A& a, FullyConnected& x) {
    a.field("in_features", x.in_features);
    a.field("out_features", x.out_features);
}
template <class A>
void describe(A& a, Pool& x) {
    a.choice("kind", x.kind, kPoolKinds);
    a.field("global", x.global);
    a.field("window", x.window);
}
template <class A>
void describe(A& a, Concat& x) {
    a.field("axis", x.axis);
}
template <class A>
void describe(A& a, Pad& x) {
    a.field("depth", x.depth);
    a.field("height", x.height);
    a.field("width", x.width);
    a.field("channels_before", x.channels_before);
    a.field("channels_after", x.channels_after);
}
template <class A>
void describe(A& a, Crop& x) {
    a.field("first", x.first);
    a.field("end", x.end);
    a.field("step", x.step);
}
template <class A>
void describe(A& a, Upsample& x) {
    a.field("factor_height", x.factor_height);
    a.field("factor_width", x.factor_width);
    a.field_unless("like", x.like, TensorId::none);
}
template <class A>
void describe(A& a, SpaceToDepth& x) {
    a.field("block", x.block);
}
template <class A>
void describe(A& a, ChannelReorder& x) {
    a.field("source", x.source);
}
template <class A>
void describe(A& a, Activation& x) {
    a.choice("kind", x.kind, kActivationNames);
    a.field("lo", x.lo);
    a.field("hi", x.hi);
    a.field("alpha", x.alpha);
    a.field("beta", x.beta);
}
template <class A>
void describe(A& a, Quantization& x) {
    a.field("scale", x.scale);
    a.field("zero_point", x.zero_point);
}
template <class A>
void describe(A& a, Requantization& x) {
    a.field("m", x.m);
    a.field("zero_point", x.zero_point);
    a.field("lo", x.lo);
    a.field("hi", x.hi);
}
template <class A>
void describe(A& a, PiecewiseLinear& x) {
    a.field("m16", x.m16);
    a.field("breakpoints", x.breakpoints);
    a.field("slope", x.slope);
    a.field("intercept", x.intercept);
    a.field("r", x.r);
    a.field("zero_point", x.zero_point);
    a.field("lo", x.lo);
    a.field("hi", x.hi);
    a.field("channel_m", x.channel_m);
    a.field("channel_zero_point", x.channel_zero_point);
    a.field("channel_lo", x.channel_lo);
    a.field("channel_hi", x.channel_hi);
    a.field("r2", x.r2);
}
template <class A>
void describe(A& a, AddArithmetic& x) {
    a.field("ma", x.ma);
    a.field("mb", x.mb);
    a.field("r", x.r);
    a.field("zero_point", x.zero_point);
    a.field("lo", x.lo);
    a.field("hi", x.hi);
}

/// Makes `variant` hold a default value of alternative `index`.
template <class V, size_t I = 0>
void emplace(V& variant, size_t index) {
    if constexpr (I < std::variant_size_v<V>) {
        if (index == I)
            variant.template emplace<I>();
        else
            emplace<V, I + 1>(variant, index);
    }
}

/// A variant as two fields: the alternative's name and its content.
template <class A, class V, size_t N>
void alternative(A& a, const char* kind_key, const char* key, V& variant, const std::array<const char*, N>& names) {
    size_t index = variant.index();
    a.choice(kind_key, index, names);
    if constexpr (A::reading) emplace(variant, index);
    std::visit([&](auto& x) { a.field(key, x); }, variant);
}

template <class A>
void describe(A& a, CodeTensor& x) {
    a.field("value", x.value);
    a.field("shape", x.shape);
    a.field("quantization", x.quantization);
    a.choice("precision", x.precision, kPrecisions);
    a.field("constant", x.constant);
}
template <class A>
void describe(A& a, Layer& x) {
    a.field("name", x.name);
    a.field("sources", x.sources);
    alternative(a, "kind", "attributes", x.attributes, kKinds);
    a.field("inputs", x.inputs);
    a.field("output", x.output);
    a.choice("precision", x.precision, kPrecisions);
    a.field("activation", x.activation);
    a.field("sum_value", x.sum_value);
    alternative(a, "stage_kind", "stage", x.stage, kStages);
    a.field("weights", x.weights);
    a.field("bias", x.bias);
    a.field("weight_scale", x.weight_scale);
    a.field("pool_k", x.pool_k);
    a.field("pool_channel_k", x.pool_channel_k);
}
template <class A>
void describe(A& a, Placement& x) {
    a.field("tensor", x.tensor);
    a.field("value", x.value);
    a.field("dims", x.dims);
    a.field("split", x.split);
    a.field("axes", x.axes);
    a.choice("type", x.type, snapshot::kDataTypes);
}
template <class A>
void describe(A& a, Network& x) {
    a.field("tensors", x.tensors);
    a.field("layers", x.layers);
    a.field("inputs", x.inputs);
    a.field("outputs", x.outputs);
}

}  // namespace calotype::npu

namespace calotype::snapshot {

Json network_to_json(const npu::Network& network, const std::string& prefix, Blobs& blobs) {
    Json json;
    Writer writer(json, "/" + prefix, blobs);
    npu::Network copy = network;  // one description serves both directions, so it takes a mutable object
    describe(writer, copy);
    return json;
}

npu::Network network_from_json(const Json& json, const std::string& prefix, Blobs& blobs) {
    npu::Network network;
    try {
        Reader reader(json, "/" + prefix, blobs);
        describe(reader, network);
        reader.finish();
    } catch (const Error& error) {  // its subject is the path in the file, which is the tensors' key too
        ErrorText text = error.text();
        if (text.subject.starts_with('/')) text.subject = fmt::format("`layers.json`: `{}`", text.subject);
        throw Error(std::move(text));
    }
    return network;
}

}  // namespace calotype::snapshot
