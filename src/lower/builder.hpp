#pragma once

// What the lowering of one node works with: where each value lies, and the network so far.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "graph/graph.hpp"
#include "lower/order.hpp"
#include "npu/config.hpp"
#include "npu/layer.hpp"
#include "npu/limits.hpp"

namespace calotype::lower {

using graph::Graph;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

/// Thrown by a lowering that cannot be; caught in lower(). `culprit` is the node to leave out (none: the one at work).
struct Declined {
    npu::BrokenLimit limit;
    NodeId culprit = NodeId::none;
};

/// A layer to be.
struct NewLayer {
    npu::Attributes attributes;
    std::vector<npu::TensorId> inputs;
    std::vector<float> weights{}, bias{};
    npu::Activation activation{};
    ValueId sum = ValueId::none;  ///< the value before the activation, in the output's order; none: the output
};

/// What a model's QuantizeLinear or DequantizeLinear says of a tensor.
struct Stated {
    npu::Quantization quantization;
    bool narrowed = false;  ///< from more than 8 bits
    friend bool operator==(const Stated&, const Stated&) = default;
};

class Builder {
  public:
    Builder(const Graph& graph, const npu::Config& config, int64_t batch)
        : graph(graph), config(config), batch_(batch) {}

    const Graph& graph;
    const npu::Config& config;
    npu::FloatNetwork network;
    int64_t changes = 0;  ///< grows with each change: a node that declines before the first leaves nothing to undo

    [[noreturn]] void decline(std::string_view code, std::string actual, NodeId culprit = NodeId::none) const;

    /// Dims of a value that may lie on the NPU: FLOAT32, batch first, one to four axes more; else declines.
    const Dims& dims(ValueId value) const;
    std::string name(ValueId value) const { return graph.value(value).name; }
    /// The constant's elements, or nothing where the value is computed or absent.
    std::optional<std::vector<float>> constant(ValueId value) const;

    /// The tensor that holds the value in this order under this shape. An input that nobody placed yet is placed so; a
    /// Reshape, ChannelReorder or SpaceToDepth layer is made where one does it; else declines.
    npu::TensorId require(ValueId value, const Order& order, const Dims& shape);
    npu::TensorId require_channels_last(ValueId value);
    /// The tensor that holds the value in whatever order it lies, and that order.
    std::pair<npu::TensorId, Order> require_as_it_lies(ValueId value);
    /// A constant operand as a tensor of its own among the weights: spread over `dims` (of a value, batch first), in this
    /// order under this shape. Declines where a number stands for infinity, or the samples of a batch differ.
    npu::TensorId hold(ValueId constant, const Dims& dims, const Order& order, const Dims& shape);
    bool placed(ValueId value);
    /// The order of the value's own axes in which it lies; channels last where it has no place yet or lies across them.
    Order own_order(ValueId value);

    const Dims& shape(npu::TensorId tensor) const { return network.tensors[static_cast<size_t>(tensor)].shape; }

    /// Adds the layer that makes `output` in this order. Declines where it breaks a limit of the configuration.
    void add(NodeId node, NewLayer layer, ValueId output, const Order& order, const Dims& shape);
    void add_channels_last(NodeId node, NewLayer layer, ValueId output);
    /// The value is another view of `of`'s elements: from value to `of` by `order`.
    void alias(NodeId node, ValueId value, ValueId of, const Order& order);
    /// Makes the activation part of the layer that makes x, where that is possible and nobody else needs x.
    bool fuse(NodeId node, const std::vector<std::string>& sources, ValueId x, ValueId output,
              const npu::Activation& activation);

    /// `codes` are those of x's tensor, which has this scale from now on; where it has another already, a Requantize
    /// layer makes them.
    void quantize(NodeId node, ValueId x, ValueId codes, const Stated& stated);
    /// `reals` is what the codes mean.
    void dequantize(ValueId codes, ValueId reals, const Stated& stated);

    npu::Placement placement(ValueId value);

  private:
    /// Where a value lies: `order` leads from it to the tensor, or to the not yet placed input `origin`.
    struct View {
        npu::TensorId tensor = npu::TensorId::none;
        ValueId origin = ValueId::none;
        Order order;
    };
    const Dims& dims_of_any_type(ValueId value) const;
    View& view(ValueId value);
    void state(npu::TensorId tensor, const Stated& stated);
    bool is_input(npu::TensorId tensor) const;
    /// FLOAT32, or codes of 8 bits; else declines.
    DataType type_of(ValueId value) const;
    void place_input(View& view, const Order& order, const Dims& shape);
    npu::TensorId add_tensor(std::string value, Dims shape, const Order& order);
    npu::TensorId reshaped(npu::TensorId tensor, const Dims& shape);
    std::optional<npu::TensorId> moved(ValueId value, const View& view, const Order& order, const Dims& shape);
    void push(std::string name, std::vector<std::string> sources, NewLayer layer, npu::TensorId output,
              std::string sum_value);

    int64_t batch_;
    std::map<ValueId, View> views_;
    std::map<ValueId, std::pair<npu::TensorId, Order>> inputs_;  // placed inputs
    std::map<ValueId, Stated> stated_inputs_;                    // of inputs, placed or not
    std::map<ValueId, ValueId> meant_by_;                        // of inputs that are codes: the reals
    std::map<std::pair<npu::TensorId, Dims>, npu::TensorId> reshaped_;
    std::map<npu::TensorId, size_t> made_by_;
    std::set<std::string> names_;
};

}  // namespace calotype::lower
