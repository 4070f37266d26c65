#include <fmt/format.h>

#include "onnx/fields.hpp"
#include "onnx/read_parts.hpp"
#include "onnx/types.hpp"

namespace calotype::onnx {
namespace {

constexpr int64_t kMostDim = int64_t{1} << 40;
constexpr size_t kMostDims = 64;

void add_dim(Message message, ValueInfo& out) {
    int64_t size = -1;
    std::string symbol;
    while (message.next()) {
        if (message.tag() == field::dim::value) {
            size = message.integer();  // -1 is how Paddle writes a free dim
            if (size < -1 || size > kMostDim) {
                broken(fmt::format("value `{}`", out.name),
                       fmt::format("a dim of its shape is {}, 0 to 2^40 are read", size));
            }
        } else if (message.tag() == field::dim::param) {
            symbol = message.text();
        } else {
            message.skip();
        }
    }
    out.dims->push_back(size);
    out.symbols.push_back(symbol);
    if (out.dims->size() > kMostDims) {
        broken(fmt::format("value `{}`", out.name), fmt::format("its shape has more than {} dims", kMostDims));
    }
}

void read_shape(Message message, ValueInfo& out) {
    out.dims.emplace();
    while (message.next()) {
        if (message.tag() == field::shape::dim)
            add_dim(message.message("TensorShapeProto.Dimension"), out);
        else
            message.skip();
    }
}

void read_tensor_type(Message message, ValueInfo& out) {
    while (message.next()) {
        if (message.tag() == field::tensor_type::elem_type)
            out.type = from_onnx(message.integer());
        else if (message.tag() == field::tensor_type::shape)
            read_shape(message.message("TensorShapeProto"), out);
        else
            message.skip();
    }
}

/// The TypeProto that a TypeProto.Sequence or TypeProto.Optional holds.
Message held_type(Message holder) {
    Message held(std::span<const std::byte>{}, "TypeProto");
    while (holder.next()) {
        if (holder.tag() == field::holder_type::elem_type)
            held = holder.message("TypeProto");
        else
            holder.skip();
    }
    return held;
}

std::optional<DataType> element_type(Message type) {
    ValueInfo tensor;
    while (type.next()) {
        if (type.tag() == field::type::tensor)
            read_tensor_type(type.message("TypeProto.Tensor"), tensor);
        else
            type.skip();
    }
    return tensor.type;
}

/// A sequence or an optional; of tensors, or of sequences of those, where it is known here.
std::optional<graph::OtherType> read_other_type(Message holder, bool optional) {
    const Message held = held_type(holder);
    if (const auto element = element_type(held))
        return graph::OtherType{optional ? Kind::optional_tensor : Kind::sequence, *element};
    Message type = held;
    while (optional && type.next()) {
        if (type.tag() != field::type::sequence) {
            type.skip();
            continue;
        }
        const auto element = element_type(held_type(type.message("TypeProto.Sequence")));
        return element ? std::optional(graph::OtherType{Kind::optional_sequence, *element}) : std::nullopt;
    }
    return std::nullopt;
}

}  // namespace

ValueInfo read_value_info(Message message) {
    ValueInfo out;
    std::optional<Message> type;  // the name may stand behind it, and is needed for messages
    while (message.next()) {
        if (message.tag() == field::value_info::name)
            out.name = message.text();
        else if (message.tag() == field::value_info::type)
            type = message.message("TypeProto");
        else
            message.skip();
    }
    while (type && type->next()) {
        if (type->tag() == field::type::tensor)
            read_tensor_type(type->message("TypeProto.Tensor"), out);
        else if (type->tag() == field::type::sequence)
            out.other = read_other_type(type->message("TypeProto.Sequence"), false);
        else if (type->tag() == field::type::optional)
            out.other = read_other_type(type->message("TypeProto.Optional"), true);
        else
            type->skip();
    }
    return out;
}

}  // namespace calotype::onnx
