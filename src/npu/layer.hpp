#pragma once

// The NPU's layer vocabulary: what FloatNetwork (before quantize) and Network (after) are made of.

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/tensor.hpp"

namespace calotype::npu {

enum class TensorId : int32_t { none = -1 };
/// Its place in a network's tensors.
constexpr size_t index_of(TensorId id) { return static_cast<size_t>(id); }
enum class Precision : uint8_t { int8, bf16 };

/// A tensor's shape per sample, channels last, seen as a map: [C], [W, C], [H, W, C] or [D, H, W, C]; what is absent
/// is 1.
struct Map {
    int64_t depth = 1, height = 1, width = 1, channels = 1;
    int64_t pixels() const { return depth * height * width; }
    int64_t elements() const { return pixels() * channels; }
    friend bool operator==(const Map&, const Map&) = default;
};
/// The last axis; 1 where there is none.
inline int64_t channels_of(const Dims& shape) { return shape.empty() ? 1 : shape.back(); }
/// Ranks 0 to 4.
Map as_map(const Dims& shape);
/// The shape of rank `rank` (1 to 4) that the map has; the dims left out must be 1.
Dims as_shape(const Map& map, size_t rank);

/// One spatial axis of a sliding window.
struct Axis {
    int64_t kernel = 1, stride = 1, dilation = 1, pad_before = 0, pad_after = 0;
    int64_t extent() const { return (kernel - 1) * dilation + 1; }
    /// Output size for an input of `size`, rounded down.
    int64_t output(int64_t size) const { return (size + pad_before + pad_after - extent()) / stride + 1; }
    friend bool operator==(const Axis&, const Axis&) = default;
};
struct Window {
    Axis depth, height, width;
    int64_t taps() const { return depth.kernel * height.kernel * width.kernel; }
    friend bool operator==(const Window&, const Window&) = default;
};

// Attributes, one struct a kind. Shapes stand in the tensors.
/// Dense, grouped or depthwise convolution. weights [out_channels, kd, kh, kw, in_channels / groups].
struct Conv {
    int64_t in_channels = 0, out_channels = 0, groups = 1;
    Window window;
    bool depthwise() const { return groups == in_channels && groups > 1; }  // out_channels may be a multiple
    friend bool operator==(const Conv&, const Conv&) = default;
};
/// y = W x + b over all elements of the input in memory order. weights [out, in].
struct FullyConnected {
    int64_t in_features = 0, out_features = 0;
    friend bool operator==(const FullyConnected&, const FullyConnected&) = default;
};
enum class PoolKind : uint8_t { max, average };
/// `global`: the window is the whole map whatever its size. Average pools count padding (or have none). Where ceil mode
/// leaves windows that end behind the map, pad_after is what makes the output size; max pooling ignores those pixels.
struct Pool {
    PoolKind kind = PoolKind::max;
    bool global = false;
    Window window;
    friend bool operator==(const Pool&, const Pool&) = default;
};
/// The pool's window; of a global pool, the whole map that it reads.
Window window_of(const Pool& pool, const Map& in);
/// Two inputs of one shape.
struct Add {
    friend bool operator==(const Add&, const Add&) = default;
};
/// Two inputs; the second has the first's shape or one channel (broadcast W x H x 1).
struct Mul {
    friend bool operator==(const Mul&, const Mul&) = default;
};
/// Any number of inputs; axis counts in the shape per sample, channels last.
struct Concat {
    int64_t axis = 0;
    friend bool operator==(const Concat&, const Concat&) = default;
};
/// Zero (in reals) around a map and behind or before its channels.
struct Pad {
    Axis depth, height, width;  ///< only the pads count
    int64_t channels_before = 0, channels_after = 0;
    friend bool operator==(const Pad&, const Pad&) = default;
};
/// y = x[first : end : step] as in Python on each axis of the map (depth, height, width, channels): below 0 counts from
/// the axis' end, what lies beyond it is cut off. So it means the same at every height and width.
struct Crop {
    static constexpr int64_t kOpen = std::numeric_limits<int64_t>::max();
    std::array<int64_t, 4> first{0, 0, 0, 0};
    std::array<int64_t, 4> step{1, 1, 1, 1};
    std::array<int64_t, 4> end{kOpen, kOpen, kOpen, kOpen};
    friend bool operator==(const Crop&, const Crop&) = default;
};
/// Where a crop begins on each axis of a map, and how many elements it takes there.
struct CropRange {
    std::array<int64_t, 4> first{0, 0, 0, 0}, count{0, 0, 0, 0};
};
CropRange range_of(const Crop& crop, const Map& in);
/// Nearest: y[h, w] = x[h / factor_height, w / factor_width]. With `like` y is as high and wide as that tensor, of which
/// nothing but the shape is read: the factors are the smallest that reach it, whatever lies beyond is left out.
struct Upsample {
    int64_t factor_height = 1, factor_width = 1;
    TensorId like = TensorId::none;
    friend bool operator==(const Upsample&, const Upsample&) = default;
};
/// How often each pixel of a row (or row of a map) stands in one of `out`, the last one's perhaps less often.
constexpr int64_t repeats(int64_t in, int64_t out) { return (out + in - 1) / in; }
/// TensorFlow order: y[h, w, (bh * block + bw) * C + c] = x[h * block + bh, w * block + bw, c].
struct SpaceToDepth {
    int64_t block = 2;
    friend bool operator==(const SpaceToDepth&, const SpaceToDepth&) = default;
};
/// y[..., c] = x[..., source[c]].
struct ChannelReorder {
    std::vector<int64_t> source;
    friend bool operator==(const ChannelReorder&, const ChannelReorder&) = default;
};
/// The same elements in the same order under another shape, of which the first axis alone grows with the elements.
struct Reshape {
    friend bool operator==(const Reshape&, const Reshape&) = default;
};
/// The same reals in other scales.
struct Requantize {
    friend bool operator==(const Requantize&, const Requantize&) = default;
};

using Attributes = std::variant<Conv, FullyConnected, Pool, Add, Mul, Concat, Pad, Crop, Upsample, SpaceToDepth,
                                ChannelReorder, Reshape, Requantize>;
/// "Conv", "DepthwiseConv" (a Conv with depthwise()), "FullyConnected", "MaxPool", "AveragePool", ...
std::string kind_name(const Attributes& attributes);

enum class ActivationKind : uint8_t {
    none,
    clamp,
    leaky_relu,
    prelu,
    sigmoid,
    silu,
    hard_swish,
    hard_sigmoid,
    tanh,
    gelu_erf,
    gelu_tanh,
    mish,
    softplus,
    elu
};
/// What follows a layer's sum. `clamp` is ReLU, ReLU6, Clip, Min, Max (lo = -inf or hi = inf where open).
struct Activation {
    ActivationKind kind = ActivationKind::none;
    float lo = 0, hi = 0;  ///< clamp
    float alpha =
        0;  ///< leaky_relu, prelu: slope below zero; elu: alpha; hard_sigmoid: slope; silu: x * sigmoid(alpha x)
    float beta = 0;  ///< hard_sigmoid: offset
    friend bool operator==(const Activation&, const Activation&) = default;
};
std::string name_of(ActivationKind kind);

/// Scale and zero point of an INT8 tensor: one entry or one a channel (the last axis).
struct Quantization {
    std::vector<float> scale;
    std::vector<int32_t> zero_point;
    bool per_channel() const { return scale.size() > 1; }
    float scale_of(int64_t channel) const { return scale[scale.size() > 1 ? static_cast<size_t>(channel) : 0]; }
    int32_t zero_point_of(int64_t channel) const {
        return zero_point[zero_point.size() > 1 ? static_cast<size_t>(channel) : 0];
    }
    friend bool operator==(const Quantization&, const Quantization&) = default;
};

/// FP32 network, before quantize.
struct FloatTensor {
    std::string value;  ///< name of the graph value it holds (in Placement's order)
    Dims shape;         ///< per sample, channels last
    Dims split{};       ///< how the value lies in the tensor, as in Placement
    std::vector<int64_t> axes{};
    std::optional<Quantization> stated{};  ///< what a quantized model says of it itself
    bool narrowed = false;                 ///< the model states more than 8 bits: `stated` has their range
    /// Its elements in memory order where the model holds them: no layer makes it, every sample reads the same.
    std::vector<float> constant{};
};
struct FloatLayer {
    std::string name;                  ///< of its last source node; unique
    std::vector<std::string> sources;  ///< the user's nodes, in order
    Attributes attributes;
    std::vector<TensorId> inputs;
    TensorId output = TensorId::none;
    Activation activation;
    std::string sum_value;       ///< name of the graph value before the activation (the output's where there is none)
    std::vector<float> weights;  ///< Conv and FullyConnected, in the layout stated there
    std::vector<float> bias;     ///< [out]; zeros where the source has none
};

/// How a graph value lies in a tensor: the value per sample (axis 0, the batch, left out) reshaped to `split`, its axes
/// put in the order `axes` (tensor axis i = split axis axes[i]), is the tensor's memory order.
struct Placement {
    TensorId tensor = TensorId::none;
    std::string value;  ///< graph value
    Dims dims;          ///< of the value, with the batch
    Dims split;
    std::vector<int64_t> axes;
    DataType type =
        DataType::float32;  ///< INT8, UINT8: the value holds the codes themselves (a UINT8 code u as u - 128)
    friend bool operator==(const Placement&, const Placement&) = default;
};

struct FloatNetwork {
    std::vector<FloatTensor> tensors;  ///< index = TensorId
    std::vector<FloatLayer> layers;    ///< in an order that runs
    std::vector<Placement> inputs, outputs;
    std::set<std::string> handed_on;  ///< inputs and outputs that are none of the model: a scale a channel will do
};

/// y = RNE(clamp(float32(acc) * m, lo - zp, hi - zp)) + zp. Each vector has one entry or one an output channel.
struct Requantization {
    std::vector<float> m;
    std::vector<int32_t> zero_point;
    std::vector<int32_t> lo, hi;  ///< codes, within [-128, 127], ends included
    friend bool operator==(const Requantization&, const Requantization&) = default;
};
/// docs/arithmetic.md, Other activations.
struct PiecewiseLinear {
    std::vector<float> m16;           ///< one or one a channel
    std::vector<int8_t> breakpoints;  ///< at most 15, rising; segment = number of breakpoints <= (pre >> 8)
    std::vector<int16_t> slope;       ///< Q15; breakpoints + 1 entries
    std::vector<int16_t> intercept;
    int32_t r = 0;
    int32_t zero_point = 0, lo = -128, hi = 127;  ///< of the single-scale form
    // Writers of several scales; empty channel_m means the single-scale form.
    std::vector<int16_t> channel_m;
    std::vector<int32_t> channel_zero_point, channel_lo, channel_hi;
    int32_t r2 = 0;
    friend bool operator==(const PiecewiseLinear&, const PiecewiseLinear&) = default;
};
/// docs/arithmetic.md, Add. Each vector has one entry or one a channel.
struct AddArithmetic {
    std::vector<int16_t> ma, mb;
    int32_t r = 0;
    std::vector<int32_t> zero_point, lo, hi;
    friend bool operator==(const AddArithmetic&, const AddArithmetic&) = default;
};
/// What a layer does with its exact sum; monostate where codes only move or are compared.
using OutputStage = std::variant<std::monostate, Requantization, PiecewiseLinear, AddArithmetic>;

struct CodeTensor {
    std::string value;
    Dims shape;
    Quantization quantization;
    Precision precision = Precision::int8;
    std::vector<int8_t> constant{};  ///< its codes where no layer makes it: readers find them among the weights
    friend bool operator==(const CodeTensor&, const CodeTensor&) = default;
};
struct Layer {
    std::string name;
    std::vector<std::string> sources;
    Attributes attributes;
    std::vector<TensorId> inputs;
    TensorId output = TensorId::none;
    Precision precision = Precision::int8;
    Activation activation;  ///< what the output stage computes, in reals: for people, the view and BF16
    std::string sum_value;
    OutputStage stage;
    std::vector<int8_t> weights;      ///< layout as in FloatLayer
    std::vector<int32_t> bias;        ///< [out]
    std::vector<float> weight_scale;  ///< [out]; what weights and bias mean: acc * scale_in * weight_scale = real
    double pool_k = 0;                ///< global average pool: scale_in / scale_y (one scale), m = float32(k / pixels)
    std::vector<double> pool_channel_k;  ///< the same per channel where scales are; empty otherwise
    friend bool operator==(const Layer&, const Layer&) = default;
};
/// Integer network: what a snapshot holds and the emulator runs.
struct Network {
    std::vector<CodeTensor> tensors;
    std::vector<Layer> layers;
    std::vector<Placement> inputs, outputs;
    friend bool operator==(const Network&, const Network&) = default;
};

/// The tensors from whose shapes that of a layer's output follows: its inputs, and the one that an Upsample is like.
std::vector<TensorId> sources_of_shape(const Attributes& attributes, std::vector<TensorId> inputs);
/// Output shape of a layer for the shapes of those (all per sample, channels last). Throws Error LAYER_SHAPE where
/// the window does not fit, inputs disagree, or the output would be empty.
Dims output_shape(const Attributes& attributes, const std::vector<Dims>& inputs, const Dims& made_for);
/// MACs of a layer: Conv and FC their products; other layers 0.
int64_t macs(const Attributes& attributes, const Dims& output);

}  // namespace calotype::npu
