// Cast(x) => DequantizeLinear(x, 1, 0)     x an input of the model of 8 bits, or moved elements of one
// Exact: real = 1 * (code - 0). How networks begin that take pictures as bytes: the bytes are then codes of the NPU,
// which takes them as they are. A sum or product with other computed values keeps the Cast: at scale 1 it could not
// write finer than an eighth, and zeros and ones, a mask's, are bytes too.

#include <algorithm>

#include "optimize/quantization_words.hpp"
#include "optimize/rewrite.hpp"

namespace calotype::optimize {
namespace {

bool is_input_moved(const Graph& graph, ValueId value) {
    const NodeId id = graph.producer(value);
    if (id == NodeId::none) return !graph.is_constant(value);
    return moved_inputs(graph, id) == 1 && is_input_moved(graph, graph.input(id, 0));
}

/// Whether no reader, behind moves either, joins the value with another computed one.
bool read_alone(const Graph& graph, ValueId value) {
    return std::ranges::all_of(graph.readers(value), [&](NodeId reader) {
        if (moved_inputs(graph, reader) == 1) return read_alone(graph, graph.output(reader));
        return std::ranges::all_of(graph.node(reader).inputs, [&](ValueId input) {
            return input == value || input == ValueId::none || graph.is_constant(input);
        });
    });
}

}  // namespace

Rewrite cast_to_dequantize(Graph& graph, NodeId id) {
    if (!is_op(graph, id, "Cast") || !is_float32(graph, graph.output(id))) return Rewrite::no_match();
    const ValueId x = graph.input(id, 0);
    const auto type = graph.value(x).type;
    if (type != DataType::uint8 && type != DataType::int8) return Rewrite::no_match();
    if (!is_input_moved(graph, x)) return Rewrite::declined("its bytes are no input of the model");
    if (!read_alone(graph, graph.output(id))) return Rewrite::declined("what reads it joins it with computed values");
    const ValueId one = add_floats(graph, graph.node(id).name + "/scale", {}, {1});
    const ValueId zero =
        graph.add_constant(graph.unused_value_name(graph.node(id).name + "/zero_point"), Tensor(*type, {}));
    become(graph, id, {"DequantizeLinear", {x, one, zero}});
    return Rewrite::done();
}

}  // namespace calotype::optimize
